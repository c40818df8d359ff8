// Alice in Firefox and Bob in Chromium, in one call. Firefox negotiates in its own ways: it never uses the loopback address, numbers codecs differently, and
// marks what it adds later as living in its bundle only.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import puppeteer from 'puppeteer-core';

import { fakeScreen, launch } from '../lib/browser.mjs';
import { host, pageURL } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { movingScreen } from '../lib/stubs.mjs';
import { until } from '../lib/until.mjs';

const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** The streams of the browser, summed by kind, as Person.received has them for Chromium. */
function countStreams() {
  return window.callsClient.getStats().then((stats) => {
    const sums = { audioIn: 0, audioOut: 0, lost: 0, energy: 0, frames: 0, width: 0 };
    for (const s of Array.isArray(stats) ? stats : [...stats.values()]) {
      if (s.type === 'inbound-rtp') {
        sums.lost += s.packetsLost;
        sums.audioIn += s.kind === 'audio' ? s.packetsReceived : 0;
        sums.energy += s.totalAudioEnergy ?? 0;
        sums.frames += s.framesDecoded ?? 0;
        sums.width = Math.max(sums.width, s.frameWidth ?? 0);
      } else if (s.type === 'outbound-rtp' && s.kind === 'audio') {
        sums.audioOut += s.packetsSent;
      }
    }
    return sums;
  });
}

let firefox, chromium, alice, bob;

before(async () => {
  firefox = await puppeteer.launch({
    browser: 'firefox', executablePath, headless: true, defaultViewport: { width: 1280, height: 800 }, // a narrow page keeps Share in a menu
    extraPrefsFirefox: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0 },
  });
  chromium = await launch();
  alice = await firefox.newPage();
  await alice.evaluateOnNewDocument(movingScreen);
  bob = await Person.arrive(chromium, 'bob');
});

after(async () => {
  await bob?.close();
  await chromium?.close();
  await firefox?.close();
});

const button = (id) => `[data-testid="${id}"]`;
const press = (id) => alice.locator(button(id)).click();

test('Firefox joins', async () => {
  await alice.goto(pageURL('direct'));
  await alice.locator(button('login-id')).fill(host.users.alice.username);
  await alice.locator(button('login-password')).fill(host.users.alice.password);
  await press('login-submit');
  await press('calls-join-button');
  await until('alice is connected', async () => (await alice.$(`${button('connection')}[data-phase="connected"]`)) !== null || 'not: yet', 20_000);
  await bob.open('direct');
  await bob.join();
});

test('hears and is heard', async () => {
  await press('voice-mute-unmute');
  await bob.unmute();
  await until('bob hears alice', async () => (await bob.received('audio')).packetsReceived > 50 || 'not: ' + JSON.stringify(await bob.received('audio')), 15_000);
  await until('alice hears bob', async () => (await alice.evaluate(countStreams)).audioIn > 50 || 'not: ' + JSON.stringify(await alice.evaluate(countStreams)), 15_000);
  await bob.hears();
  const before = await alice.evaluate(countStreams);
  await until('alice hears bob on and on', async () => {
    const now = await alice.evaluate(countStreams);
    return (now.audioIn > before.audioIn + 100 && now.energy > before.energy) || `not: ${JSON.stringify({ before, now })}`;
  });
  assert.equal((await alice.evaluate(countStreams)).lost, 0);
});

test('mutes', async () => {
  await press('voice-mute-unmute');
  await until('bob sees alice muted', async () => {
    const row = (await bob.people()).find((p) => p.name === 'alice');
    return row?.unmuted === false || 'not: ' + JSON.stringify(row);
  }, 10_000);
  await bob.receivesNothing('audio');
});

test('sees a shared screen', async () => {
  await bob.toggleScreen();
  await until('Firefox decodes the screen', async () => (await alice.evaluate(countStreams)).frames > 10 || 'not: ' + JSON.stringify(await alice.evaluate(countStreams)), 20_000);
  await until('at its size', async () => {
    const { width } = await alice.evaluate(countStreams);
    return width === fakeScreen.width || `not: ${width}`;
  }, 20_000);
  await bob.toggleScreen();
  await until('the share is over', async () => (await alice.$(`${button('calls-widget-menu-screenshare')}[aria-disabled="false"]`)) !== null || 'not: yet');
});

test('shares a screen, and shares again', async () => {
  for (let i = 0; i < 2; i++) {
    await press('calls-widget-menu-screenshare');
    await bob.watches({ width: 640, height: 360 });
    await press('calls-widget-menu-screenshare');
    await until('it is gone', async () => (await bob.screen()) === null);
  }
});

test('leaves', async () => {
  await press('calls-widget-leave-button');
  await press('leave-only'); // she began the call, and so is asked whether to end it for all
  await bob.seesOnly(bob);
  await bob.leave();
});
