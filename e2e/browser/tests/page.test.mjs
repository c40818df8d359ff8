// The page around the call: listening without a microphone, what it says when it cannot go on, keyboard, narrow windows.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { launch } from '../lib/browser.mjs';
import { pageURL, pluginURL } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('the page', { timeout: 120_000 }, () => {
  let browser;

  before(async () => {
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
  });

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

  it('can be used by keyboard alone, and tells a screen reader what happens', async () => {
    const bob = await Person.arrive(browser, 'bob');
    await bob.open('private');
    const { page } = bob;
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('data-testid'));
    for (const id of ['check-open', 'calls-listen-button', 'calls-join-button']) {
      await page.keyboard.press('Tab');
      assert.equal(await focused(), id);
    }
    await page.keyboard.press('Enter');
    await bob.connected();
    await said(bob, /You are in the call, muted\. 1 person\./);

    const button = page.getByRole('button', { name: 'Unmute' });
    assert.equal(await button.getAttribute('aria-pressed'), 'false');
    await button.focus();
    await page.keyboard.press('Space');
    await said(bob, /Unmuted/);
    assert.equal(await focused(), 'voice-mute-unmute', 'the focus stays where it was');
    assert.equal(await page.getByRole('button', { name: 'Mute' }).getAttribute('aria-pressed'), 'true');
    await page.keyboard.press('ArrowRight');
    assert.equal(await focused(), 'calls-widget-menu-screenshare');
    await page.keyboard.press('End');
    assert.equal(await focused(), 'calls-widget-leave-button');
    await page.keyboard.press('Enter');
    assert.equal(await page.getByTestId('ended').getAttribute('data-reason'), 'left');
    bob.noErrors();
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
    const dave = await Person.arrive(browser, 'dave');
    await dave.page.goto(pageURL('public'));
    await dave.signIn('not the password');
    assert.match(await dave.problem(), /password is wrong/);
  });

  it('says that there is no such channel', async () => {
    const dave = await Person.arrive(browser, 'dave');
    await dave.page.goto(`${pluginURL}/public/call.html?channel=${'x'.repeat(26)}`);
    await dave.signIn();
    assert.match(await dave.problem(), /channel/);
  });

  it('says that the address names no channel', async () => {
    const dave = await Person.arrive(browser, 'dave');
    await dave.page.goto(`${pluginURL}/public/call.html`);
    assert.match(await dave.problem(), /names no channel/);
  });
});

/** Something like this was put into a live region. */
async function said(person, pattern) {
  await until(`${person.name} is told ${pattern}`, async () => {
    const texts = await person.page.getByTestId('live').allTextContents();
    return texts.some((text) => pattern.test(text)) || `not: ${JSON.stringify(texts)}`;
  });
}
