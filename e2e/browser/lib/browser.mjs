// Chromium with a fake microphone that beeps once a second, and a fake screen of 1280 × 720 that moves.
import { chromium } from 'playwright-core';

import { channelsOf } from './host.mjs';
import { pause } from './until.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const fakeScreen = { width: 1280, height: 720 };

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

let quiet;

/** The first browser of a file waits until everybody whom an earlier file left behind is out: who vanishes with a browser is in the call for some ten seconds more. */
export async function launch() {
  quiet ??= nobodyInCalls();
  await quiet;
  return chromium.launch({ executablePath, headless: true, args: flags });
}

async function nobodyInCalls() {
  const end = Date.now() + 60_000;
  for (;;) {
    const people = (await channelsOf('sysadmin')).flatMap(({ call }) => call?.sessions ?? []).length;
    if (people === 0) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`${people} people are still in calls of an earlier test`);
    }
    await pause(1000); // as often as anybody may ask for long
  }
}
