// The page around the call: listening without a microphone, what it says when it cannot go on, narrow windows.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { pageURL, pluginURL } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('the page', { timeout: 120_000 }, () => {
  let browser;

  withBrowser((b) => {
    browser = b;
  }, { each: true });

  it('lets one without a microphone listen, and says so', async () => {
    const [bob, carol] = await Promise.all([Person.arrive(browser, 'bob'), Person.arrive(browser, 'carol', { microphone: false })]);
    await Promise.all([bob.open('private'), carol.open('private')]);
    await bob.join();
    await carol.join({ listen: true });
    assert.match(await carol.page.getByTestId('microphone-notice').textContent(), /nobody hears you/);
    await bob.unmute();
    await until('carol hears bob', async () => (await carol.received('audio')).totalAudioEnergy > 0);
    assert.equal((await carol.sent('audio')).packetsSent, 0, 'a listener sends nothing');
    await Promise.all([bob.leave(), carol.leave()]);
    bob.noErrors();
    carol.noErrors();
  });

  it('fits into 320 pixels, light and dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const bob = await Person.arrive(browser, 'bob', { viewport: { width: 320, height: 640 }, colorScheme });
      const overflow = () => bob.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      await bob.open('private');
      assert.equal(await overflow(), 0, 'the lobby is too wide');
      await bob.join();
      assert.equal(await overflow(), 0, 'the call is too wide');
      // What has no room in the one row lies behind "More".
      await bob.page.getByTestId('calls-more-button').click();
      for (const id of ['voice-mute-unmute', 'calls-hand-button', 'calls-more-button', 'calls-widget-leave-button', 'calls-widget-menu-screenshare', 'calls-people-button']) {
        const box = await bob.page.getByTestId(id).boundingBox();
        assert.ok(box.width >= 44 && box.height >= 44 && box.x >= 0 && box.x + box.width <= 320, `${id} at 320 px: ${JSON.stringify(box)}`);
      }
      await bob.screenshot(`narrow-${colorScheme}`);
      await bob.leave();
      await bob.close();
    }
  });

  it('says that the password is wrong', async () => {
    const dave = await Person.arrive(browser, 'dave', { signedIn: false });
    await dave.page.goto(pageURL('public'));
    await dave.signIn('not the password');
    assert.match(await dave.problem(), /password is wrong/);
  });

  it('says that there is no such channel', async () => {
    const dave = await Person.arrive(browser, 'dave');
    await dave.page.goto(`${pluginURL}/public/call.html?channel=${'x'.repeat(26)}`);
    assert.match(await dave.problem(), /channel/);
  });

  it('says that the address names no channel', async () => {
    const dave = await Person.arrive(browser, 'dave');
    await dave.page.goto(`${pluginURL}/public/call.html`);
    assert.match(await dave.problem(), /names no channel/);
  });
});
