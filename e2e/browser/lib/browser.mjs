// Chromium with a fake microphone that beeps once a second, and a fake screen of 1280 × 720 that moves.
import { chromium } from 'playwright-core';

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

export function launch() {
  return chromium.launch({ executablePath, headless: true, args: flags });
}
