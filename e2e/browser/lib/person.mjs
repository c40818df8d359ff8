// A person on the call page, with verbs of the domain. Tests speak of people, not of elements.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { host, pageURL } from './host.mjs';
import { until } from './until.mjs';

const results = fileURLToPath(new URL('../../results/', import.meta.url));

export class Person {
  /** Opens a browser window of its own for a seeded user. */
  static async arrive(browser, name, options = {}) {
    const { microphone = true, ...context } = options;
    const window = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
    window.setDefaultTimeout(15_000);
    if (microphone) {
      await window.grantPermissions(['microphone'], { origin: host.url });
    }
    const page = await window.newPage();
    // Of the class that was asked: a member of the web app arrives in the same way.
    const person = new this(name, window, page);
    page.on('pageerror', (error) => person.pageErrors.push(String(error)));
    // The page's own policy is part of what is tested: nothing in it may need what it forbids.
    page.on('console', (message) => message.text().includes('Content Security Policy') && person.pageErrors.push(message.text()));
    return person;
  }

  constructor(name, window, page) {
    this.name = name;
    this.user = host.users[name];
    this.window = window;
    this.page = page;
    this.pageErrors = [];
  }

  /** Opens the call page and signs in by its form. */
  async open(channel) {
    await this.page.goto(pageURL(channel));
    await this.signIn();
    await this.page.getByTestId('calls-join-button').waitFor();
  }

  async signIn(password = this.user.password) {
    await this.page.getByTestId('login-id').fill(this.user.username);
    await this.page.getByTestId('login-password').fill(password);
    await this.page.getByTestId('login-submit').click();
  }

  /** What the page complains about before there is a call. */
  async problem() {
    return this.page.getByTestId('problem').textContent();
  }

  /** Goes into the call from the lobby, and waits until media flows. */
  async join({ listen = false } = {}) {
    await this.page.getByTestId(listen ? 'calls-listen-button' : 'calls-join-button').click();
    await this.connected();
  }

  async connected() {
    await until(`${this.name} is connected`, async () => {
      const ended = this.page.getByTestId('ended');
      if (await ended.count()) {
        throw new Error(`${this.name} could not stay: "${await ended.textContent()}"`);
      }
      const line = this.page.getByTestId('connection');
      const phase = await line.evaluateAll((lines) => lines[0]?.dataset.phase ?? 'before the call');
      return phase === 'connected' || `not: ${phase}`;
    }, 20_000);
  }

  /** Presses the microphone's button and waits for the server's echo. */
  async unmute() {
    await this.page.getByTestId('voice-mute-unmute').click();
    await this.sees(this, { unmuted: true });
  }

  async mute() {
    await this.page.getByTestId('voice-mute-unmute').click();
    await this.sees(this, { unmuted: false });
  }

  async toggleScreen() {
    await this.page.getByTestId('calls-widget-menu-screenshare').click();
  }

  async leave() {
    await this.pressLeave();
    await this.page.getByTestId('ended').waitFor();
  }

  /** Presses Leave; who is host and not alone is asked first whether to end the call for all. */
  async pressLeave() {
    await this.page.getByTestId('calls-widget-leave-button').click();
    await until('the call is left, or it is asked how', async () => {
      const ask = this.page.getByTestId('leave-only');
      if (await ask.count()) {
        await ask.click();
      }
      return (await this.page.getByTestId('calls-widget-leave-button').count()) === 0;
    });
  }

  async close() {
    await this.window.close();
  }

  /** Who this person sees in the call: user names with what is shown of each. */
  async people() {
    const rows = await this.page.getByTestId('participant').evaluateAll((items) =>
      items.map((item) => ({ user: item.dataset.user, session: item.dataset.session, unmuted: item.dataset.unmuted === 'true', talking: item.dataset.talking === 'true', text: item.querySelector('.cl-sr').textContent })),
    );
    const names = new Map(Object.entries(host.users).map(([name, { id }]) => [id, name]));
    return rows.map(({ user, ...row }) => ({ name: names.get(user) ?? user, ...row }));
  }

  /** Waits until this person sees the other one like this. */
  async sees(other, shown = {}, ms = 10_000) {
    return until(`${this.name} sees ${other.name} ${JSON.stringify(shown)}`, async () => {
      const people = await this.people();
      const row = people.find((p) => p.name === other.name);
      return (row && Object.entries(shown).every(([key, value]) => row[key] === value) && row) || `not: ${JSON.stringify(people)}`;
    }, ms);
  }

  /** Waits until this person sees exactly these people. */
  async seesOnly(...others) {
    const wanted = others.map((p) => p.name).sort();
    await until(`${this.name} sees only ${wanted.join(', ')}`, async () => {
      const names = (await this.people()).map((p) => p.name).sort();
      return JSON.stringify(names) === JSON.stringify(wanted) || `not: ${names.join(', ') || 'nobody'}`;
    });
  }

  /** The browser's own count of what arrives and leaves, summed over the streams of a kind. */
  async received(kind) {
    return this.sum('inbound-rtp', kind, ['packetsReceived', 'packetsLost', 'totalAudioEnergy', 'totalSamplesReceived', 'concealedSamples', 'framesDecoded', 'keyFramesDecoded', 'framesDropped']);
  }

  async sent(kind) {
    return this.sum('outbound-rtp', kind, ['packetsSent', 'framesEncoded']);
  }

  async sum(type, kind, fields) {
    const stats = await this.stats();
    const sums = Object.fromEntries(fields.map((field) => [field, 0]));
    for (const entry of stats.filter((s) => s.type === type && s.kind === kind)) {
      for (const field of fields) {
        sums[field] += entry[field] ?? 0;
      }
    }
    return sums;
  }

  async stats() {
    return this.page.evaluate(async () => [...(await window.callsClient.getStats()).values()]);
  }

  /** The size of the shared screen that this person sees, and how many frames of it were decoded. */
  async screen() {
    // All at once: between a look whether it is there and the next one it may be gone.
    const [screen] = await this.page.getByTestId('screen-player').evaluateAll((videos) =>
      videos.map((video) => ({ width: video.videoWidth, height: video.videoHeight, frames: video.getVideoPlaybackQuality().totalVideoFrames })),
    );
    return screen ?? null;
  }

  async screenshot(name, options = {}) {
    mkdirSync(results, { recursive: true });
    await this.page.screenshot({ path: options.path ?? `${results}${name}-${this.name}.png` });
  }

  /** From now on this person's sockets to the host can be cut by the function that this gives back. To be called before open(). */
  async cuttable() {
    const sockets = [];
    await this.page.routeWebSocket(/\/api\/v4\/websocket/, (socket) => {
      socket.connectToServer();
      sockets.push(socket);
    });
    return () => sockets.at(-1).close();
  }

  /** The page had no error that nobody caught. */
  noErrors() {
    assert.deepEqual(this.pageErrors, [], `uncaught errors on ${this.name}'s page`);
  }
}
