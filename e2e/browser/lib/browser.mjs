// Chromium with a fake microphone that beeps once a second, and a fake screen of 1280 × 720 that moves.
import { after, afterEach, before } from 'node:test';

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

/**
 * A browser for the tests of a file, or of a describe(): `use` is given it before the first of them. With `each`, all pages are closed after each test, so that
 * whoever a failed one left in a call is not met by the next.
 */
export function withBrowser(use, { each = false } = {}) {
  let browser;
  before(async () => {
    browser = await launch();
    use(browser);
  });
  if (each) {
    afterEach(() => empty(browser));
  }
  after(async () => {
    if (browser) {
      await empty(browser);
      await browser.close();
    }
  });
}

/** Closes all pages, each as a person closes a tab: it has the time to say goodbye. Of somebody who vanishes with the browser the server hears after ten seconds only. */
async function empty(browser) {
  const windows = browser.contexts();
  // A page that has crashed goes nowhere any more.
  await Promise.all(windows.flatMap((window) => window.pages()).map((page) => page.goto('about:blank', { timeout: 5000 }).catch(() => undefined)));
  await Promise.all(windows.map((window) => window.close()));
}

let quiet;

/** The first browser of a file waits until everybody whom an earlier file left behind is out. */
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
