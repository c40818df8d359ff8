// Chromium with a fake microphone that beeps once a second, and a fake screen of 1280 × 720 that moves.
import { chromium } from 'playwright-core';

import { callOf, host } from './host.mjs';
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
  for (let tries = 0; tries < 30; tries++) {
    try {
      const calls = await Promise.all(Object.keys(host.channels).map((channel) => callOf('alice', channel)));
      if (calls.every((call) => !call)) {
        return;
      }
    } catch {
      // She has asked too often just before.
    }
    await pause(1500); // what anybody may ask for long
  }
  throw new Error('people are still in calls of an earlier test, or the host does not answer');
}
