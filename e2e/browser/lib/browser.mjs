// Chromium with a fake microphone that beeps once a second, and a fake screen of 1280 × 720 that moves.
import { chromium } from 'playwright-core';

import { callOf, host } from './host.mjs';
import { until } from './until.mjs';

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
  quiet ??= until(
    'nobody is in a call',
    async () => {
      const calls = await Promise.all(Object.keys(host.channels).map((channel) => callOf('alice', channel)));
      return calls.every((call) => call === undefined) || `not: ${calls.flatMap((call) => call?.sessions ?? []).length} are`;
    },
    60_000,
  );
  await quiet;
  return chromium.launch({ executablePath, headless: true, args: flags });
}
