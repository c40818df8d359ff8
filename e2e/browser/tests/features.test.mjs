// What people do in a call besides talking and listening: devices, push to talk, sharing in this way or that, looking back at who talked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fakeScreen, withBrowser } from '../lib/browser.mjs';
import { Member } from '../lib/member.mjs';
import { Person } from '../lib/person.mjs';
import { desktopApp, keepCapture } from '../lib/stubs.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

/** Two people in a call on the call page, or in the host. */
async function two(Kind, channel) {
  const [alice, bob] = await Promise.all([Kind.arrive(browser, 'alice'), Kind.arrive(browser, 'bob')]);
  await Promise.all([alice.open(channel), bob.open(channel)]);
  await alice.join();
  await bob.join();
  return [alice, bob];
}

describe('devices', { timeout: 90_000 }, () => {
  it('another microphone is taken at once and without a gap in the connection, another speaker plays, and both are remembered', async () => {
    const [alice, bob] = await two(Member, 'private');
    await alice.unmute();
    await bob.unmute();
    await bob.hears();
    const { page } = alice;
    const inUse = () => page.evaluate(() => window.callsStore.microphoneTrack.getSettings().deviceId);
    const before = await inUse();
    await alice.menu('devices');
    const [input, output] = ['#calls-widget-audio-input-button', '#calls-widget-audio-output-button'].map((id) => page.locator(`select${id}`));
    const others = async (select) => select.locator('option').evaluateAll((options) => options.map((o) => o.value).filter((value) => value !== ''));
    await until('there is something to choose from', async () => (await others(input)).length > 0 && (await others(output)).length > 0);
    const microphone = (await others(input)).find((id) => id !== before);
    const [speaker] = await others(output);
    await input.selectOption(microphone);
    await until('it is in use', async () => (await inUse()) === microphone);
    await bob.hears();
    await output.selectOption(speaker);
    await until('it plays there', async () => (await page.getByTestId('voice').first().evaluate((audio) => audio.sinkId)) === speaker);
    assert.deepEqual(await page.evaluate(() => [localStorage.calls_default_audio_input, localStorage.calls_default_audio_output]), [microphone, speaker]);
    await alice.page.reload();
    await alice.page.locator('#channel_view').waitFor();
    await alice.join();
    await until('it is in use again', async () => (await inUse()) === microphone);
    alice.noErrors();
  });

  it('a microphone that is pulled out is missed, and said so', async () => {
    const [alice] = await two(Member, 'private');
    await alice.unmute();
    await alice.page.evaluate(() => window.callsStore.microphoneTrack.dispatchEvent(new Event('ended')));
    await alice.page.getByTestId('microphone-notice').getByText(/microphone/i).waitFor();
    await alice.sees(alice, { unmuted: false });
    alice.noErrors();
  });
});

describe('push to talk', { timeout: 60_000 }, () => {
  it('opens the microphone for as long as the space bar is held', async () => {
    const [alice, bob] = await two(Person, 'private');
    const { keyboard } = alice.page;
    await alice.page.locator('#calls-devices-button').click();
    await alice.page.getByTestId('switch-pushToTalk').check();
    await alice.page.locator('#calls-devices-button').click();
    await alice.page.getByTestId('switch-pushToTalk').waitFor({ state: 'detached' });
    // On a button the space bar is the button's.
    await alice.page.evaluate(() => document.activeElement.blur());
    await keyboard.down('Space');
    await bob.sees(alice, { unmuted: true });
    await until('bob hears alice', async () => (await bob.received('audio')).packetsReceived > 20);
    await keyboard.up('Space');
    await bob.sees(alice, { unmuted: false });
    await bob.receivesNothing('audio', 1000);
    await keyboard.down('Space');
    await bob.sees(alice, { unmuted: true });
    await alice.page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await bob.sees(alice, { unmuted: false }); // no key goes up in a window that is not looked at any more
    await keyboard.up('Space');
    alice.noErrors();
  });
});

describe('sharing', { timeout: 120_000 }, () => {
  it('sharp text or smooth motion is for the sharer to choose, also while sharing', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await alice.page.addInitScript(keepCapture);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    const hint = () => alice.page.evaluate(() => window.captured.getVideoTracks()[0].contentHint);
    const mode = alice.page.getByTestId('share-mode');
    assert.equal(await mode.getAttribute('data-mode'), 'detail');
    await alice.toggleScreen();
    await bob.watches(fakeScreen);
    assert.equal(await hint(), 'detail');
    await mode.click();
    assert.deepEqual([await mode.getAttribute('data-mode'), await hint()], ['motion', 'motion']);
    await bob.watches(fakeScreen);
    alice.noErrors();
    bob.noErrors();
  });

  it('in the desktop app there is a picker of windows and screens, and what was picked arrives', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await alice.page.addInitScript(desktopApp);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await bob.join();
    await alice.join();
    await alice.page.locator('#calls-widget-menu-screenshare').click();
    const picker = alice.page.locator('#calls-screen-source-modal');
    await picker.getByRole('button', { name: 'Notes' }).waitFor(); // windows come first
    await picker.getByRole('button', { name: /^Screens/ }).click();
    await picker.getByRole('button', { name: 'Entire screen' }).click();
    assert.deepEqual(await alice.page.evaluate(() => window.askedOfApp), [{ types: ['window', 'screen'], thumbnailSize: { width: 400, height: 400 } }]);
    await alice.accessible('the picker');
    await picker.getByTestId('share-go').click();
    const large = await bob.expand();
    await large.watches({ width: 640, height: 360 });
    // The app opens no second window: the large view lies over the page.
    await alice.page.locator('#calls-widget-expand-button').click();
    await alice.page.locator('#calls-expanded-view').waitFor();
    await alice.accessible('the large view over the page');
    await alice.page.getByTestId('calls-collapse-button').click();
    await alice.widget.waitFor();
    alice.noErrors();
    bob.noErrors();
  });
});

describe('looking back', { timeout: 60_000 }, () => {
  it('who talked, and for how long, also while one was away', async () => {
    const [alice, bob] = await two(Person, 'private');
    await alice.page.locator('#calls-talked-button').click();
    const panel = alice.page.getByTestId('calls-talked');
    assert.equal(await panel.locator('.cl-talked li').count(), 0, 'nobody talked yet');
    // A page that is not looked at: browsers say so by this, and tests cannot hide a headless one.
    const away = (hidden) => alice.page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await away(true);
    await bob.unmute();
    await alice.sees(bob, { talking: true }, 20_000);
    const row = panel.locator('.cl-talked li');
    assert.match(await row.textContent(), /Bob Example/);
    // He beeps once a second, and what counts is the time in which he is heard.
    await until('a time that is more than nothing', async () => /0:0[1-9]|0:[1-5]\d/.test(await row.locator('.cl-time').textContent()), 30_000);
    await away(false);
    await bob.mute();
    await alice.sees(bob, { talking: false });
    await until('the time away is marked', async () => (await row.locator('.cl-away').count()) === 1);
    assert.equal(await row.locator('.cl-span').count() > 0, true);
    alice.noErrors();
  });
});

describe('what one does is seen at the others', { timeout: 120_000 }, () => {
  it('reactions, and all that a host does', async () => {
    const people = await Promise.all(['alice', 'bob', 'carol'].map((name) => Person.arrive(browser, name)));
    const [alice, bob, carol] = people;
    await Promise.all(people.map((p) => p.open('public')));
    for (const person of people) {
      await person.join();
    }
    await bob.page.locator('#calls-react-button').click();
    await bob.page.getByTestId('react-tada').click();
    await Promise.all([alice, carol].map((p) => until(`${p.name} sees it`, async () => /🎉\s*Bob/.test(await p.page.getByTestId('reactions').first().textContent()))));

    await bob.unmute();
    await carol.unmute();
    await Promise.all([bob, carol].map((p) => alice.sees(p, { unmuted: true })));
    await alice.page.locator('#calls-people-button').click();
    await alice.page.getByTestId('calls-participants').getByRole('button', { name: 'Mute others' }).click();
    await Promise.all([bob, carol].flatMap((p) => [p.sees(bob, { unmuted: false }), p.sees(carol, { unmuted: false })]));
    await Promise.all([bob, carol].map((p) => p.page.getByTestId('host-notice').getByText(/muted you/).waitFor()));
    await bob.receivesNothing('audio', 1000);
    people.forEach((p) => p.noErrors());
  });
});
