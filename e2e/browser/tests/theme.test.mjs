// The call page looks as the person has set the host to look, and holds in other directions of writing.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { admin } from '../lib/admin.mjs';
import { axe } from '../lib/axe.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { host } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

const dave = host.users.dave?.id;
const preference = (value) => ({ user_id: dave, category: 'theme', name: '', value });
const themes = {
  onyx: { type: 'Onyx', sidebarBg: '#202228', sidebarText: '#ffffff', onlineIndicator: '#3db887', awayIndicator: '#f5ab00', centerChannelBg: '#191b1f', centerChannelColor: '#e3e4e8', linkColor: '#5d89ea', buttonBg: '#4a7ce8', buttonColor: '#ffffff', errorTextColor: '#da6c6e' },
  quartz: { type: 'Quartz', sidebarBg: '#f4f4f6', sidebarText: '#090a0b', onlineIndicator: '#3db887', awayIndicator: '#ffbc1f', centerChannelBg: '#ffffff', centerChannelColor: '#3f4350', linkColor: '#386fe5', buttonBg: '#1c58d9', buttonColor: '#ffffff', errorTextColor: '#d24b4e' },
};

describe('the call page', { timeout: 120_000 }, () => {
  let browser;

  withBrowser((b) => {
    browser = b;
  });

  after(async () => {
    await admin('POST', `/api/v4/users/${dave}/preferences/delete`, [preference('')]);
  });

  // The browser's own wish is the other one each time: the host's theme wins.
  for (const [name, colorScheme, ground] of [['onyx', 'light', 'rgb(25, 27, 31)'], ['quartz', 'dark', 'rgb(255, 255, 255)']]) {
    it(`takes the theme ${name} of the host`, async () => {
      await admin('PUT', `/api/v4/users/${dave}/preferences`, [preference(JSON.stringify(themes[name]))]);
      const person = await Person.arrive(browser, 'dave', { colorScheme });
      await person.open('public');
      assert.equal(await person.page.locator('.cl-card').evaluate((card) => getComputedStyle(card).backgroundColor), ground);
      assert.deepEqual(await axe(person.page), [], `the lobby in ${name}`);
      await person.page.getByTestId('check-open').click();
      await person.page.getByTestId('level').waitFor();
      assert.deepEqual(await axe(person.page), [], `the check in ${name}`);
      await person.join();
      await person.page.locator('#calls-people-button').click();
      await person.page.locator('#calls-participants').waitFor();
      assert.equal(await person.page.locator('.cl-panel').evaluate((panel) => getComputedStyle(panel).backgroundColor), ground);
      assert.deepEqual(await axe(person.page), [], `the call in ${name}`);
      await person.screenshot(`theme-${name}`);
      await person.leave();
      person.noErrors();
      await person.close();
    });
  }

  it('is mirrored where one writes from right to left, and the shared screen is not', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice', { viewport: { width: 900, height: 700 } }), Person.arrive(browser, 'bob')]);
    await Promise.all([alice.open('public'), bob.open('public')]);
    await alice.page.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    await bob.join();
    await alice.join();
    const x = async (id) => (await alice.page.getByTestId(id).boundingBox()).x;
    assert.ok((await x('voice-mute-unmute')) > (await x('calls-widget-leave-button')), 'the bar begins at the right');
    await bob.toggleScreen();
    await until('alice sees the screen', async () => (await alice.screen())?.width === 1280, 30_000);
    await alice.page.getByTestId('zoom-real').click();
    assert.equal(await alice.page.getByTestId('picture').evaluate((box) => getComputedStyle(box).direction), 'ltr');
    await alice.page.locator('#calls-people-button').click();
    await alice.page.locator('#calls-participants').waitFor();
    assert.equal(await alice.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), 0);
    await alice.screenshot('rtl');
    // Beside a panel not all buttons have room in one row: the rest is behind "More".
    const bar = await alice.page.locator('.cl-bar').boundingBox();
    assert.ok(bar.height < 90, `one row of buttons: ${JSON.stringify(bar)}`);
    await alice.page.getByTestId('calls-more-button').click();
    await alice.page.getByTestId('calls-more').getByTestId('calls-people-button').waitFor();
    await alice.screenshot('more');
    await Promise.all([alice.leave(), bob.leave()]);
  });
});
