// The element ids of the protocol's section 12.3, under which other people's tests look for things: each is there, once, in the state in which it belongs.
import assert from 'node:assert/strict';
import { it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Member } from '../lib/member.mjs';
import { desktopApp } from '../lib/stubs.mjs';
import { until } from '../lib/until.mjs';

/** All of them, by the state of alice's page in which they are looked for. */
const ids = {
  'a call is on': ['calls-join-button', 'calls-channel-toast'],
  'in the call': [
    'calls-widget', 'calls-widget-leave-button', 'calls-widget-expand-button', 'calls-widget-toggle-menu-button', 'calls-widget-menu-screenshare', 'voice-mute-unmute',
    'show-participants-list',
  ],
  "the widget's menu": ['calls-widget-audio-input-button', 'calls-widget-audio-output-button'],
  'another call is wanted': ['calls-switch-call-modal'],
  'the host leaves': ['calls-end-call-modal'],
  'sharing in the desktop app': ['calls-screen-source-modal'],
  'the large view in a window of its own': ['calls-expanded-view', 'calls-popout-mute-button', 'screen-player'],
};

let browser;

withBrowser((b) => {
  browser = b;
});

it('all element ids of section 12.3 are there', { timeout: 120_000 }, async () => {
  assert.equal(Object.values(ids).flat().length, 17, 'section 12.3 names 17');
  const found = new Set();
  const look = async (page, state) => {
    for (const id of ids[state]) {
      await until(`${state}: #${id}`, async () => {
        const count = await page.locator(`[id="${id}"]`).count();
        return count === 1 || `not: it is there ${count} times`;
      });
      found.add(id);
    }
  };

  const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
  await Promise.all([alice.open('private'), bob.open('private')]);
  await bob.join();
  await until('alice can join', async () => (await alice.kind()) === 'join');
  await look(alice.page, 'a call is on');
  await alice.join();
  await look(alice.page, 'in the call');
  await alice.page.locator('#calls-widget-toggle-menu-button').click();
  await look(alice.page, "the widget's menu");
  await alice.page.keyboard.press('Escape');

  await bob.toggleScreen();
  const large = await alice.expand();
  await look(large.page, 'the large view in a window of its own');
  await large.page.close();
  await bob.toggleScreen();

  await bob.asHost(alice, 'Make host');
  await until('alice is host', async () => /Host/.test((await alice.sees(alice)).text));
  await alice.closePanel();
  await alice.page.locator('#calls-widget-leave-button').click();
  await look(alice.page, 'the host leaves');
  await alice.page.keyboard.press('Escape');
  await alice.goTo('public');
  await until('another channel', async () => (await alice.kind()) === 'start');
  await alice.header.click();
  await look(alice.page, 'another call is wanted');
  await alice.page.keyboard.press('Escape');

  await alice.page.addInitScript(desktopApp);
  await alice.open('private');
  await alice.join();
  await alice.page.locator('#calls-widget-menu-screenshare').click();
  await look(alice.page, 'sharing in the desktop app');
  assert.deepEqual([...found].sort(), Object.values(ids).flat().sort());
});
