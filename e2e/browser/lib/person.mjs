// A person on the call page, with verbs of the domain. Tests speak of people, not of elements.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { cookiesOf, host, pageURL } from './host.mjs';
import { pause, until } from './until.mjs';

const results = fileURLToPath(new URL('../../results/', import.meta.url));

export class Person {
  /** Opens a browser window of its own for a seeded user, who is signed in already unless the test is about that. */
  static async arrive(browser, name, options = {}) {
    const { microphone = true, signedIn = true, ...context } = options;
    const window = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
    window.setDefaultTimeout(15_000);
    if (microphone) {
      await window.grantPermissions(['microphone'], { origin: host.url });
    }
    if (signedIn) {
      await window.addCookies(await cookiesOf(name));
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

  /** Opens the call page, and signs in by its form where that is needed. */
  async open(channel) {
    await this.page.goto(pageURL(channel));
    await this.arrived(this.page.getByTestId('calls-join-button'));
  }

  /** The page is there: `mark` shows, after a form to sign in where there is one. */
  async arrived(mark) {
    const login = this.page.getByTestId('login-id');
    await mark.or(login).first().waitFor();
    if (await login.count()) {
      await this.signIn();
    }
    await mark.waitFor();
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

  /** What says how the connection is. */
  get line() {
    return this.page.getByTestId('connection');
  }

  async connected(ms = 20_000) {
    await until(`${this.name} is connected`, async () => {
      const ended = this.page.getByTestId('ended');
      if (await ended.count()) {
        throw new Error(`${this.name} could not stay: "${await ended.textContent()}"`);
      }
      const phase = await this.line.evaluateAll((lines) => lines[0]?.dataset.phase ?? 'before the call');
      return phase === 'connected' || `not: ${phase}`;
    }, ms);
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

  /** The same person in another window that their page has opened. */
  in(page) {
    return new Person(this.name, this.window, page);
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

  /**
   * Waits for a stretch of so many milliseconds in which all that `voices` people say arrives: 50 packets a second each, none lost, no silence, and nearly
   * nothing made up. A busy machine may hold a sender up for a moment, so there is more than one such stretch to succeed in.
   */
  async hears(voices = 1, ms = 3000) {
    let report = '';
    for (let i = 0; i < 5; i++) {
      const [first, begin] = [await this.received('audio'), Date.now()];
      await pause(ms);
      const [second, seconds] = [await this.received('audio'), (Date.now() - begin) / 1000];
      const now = Object.fromEntries(Object.entries(second).map(([key, value]) => [key, value - first[key]]));
      const made = now.concealedSamples / Math.max(1, now.totalSamplesReceived);
      if (now.packetsReceived >= voices * 40 * seconds && now.packetsLost === 0 && now.totalAudioEnergy > 0 && made < 0.05) {
        return;
      }
      report += `\n  in ${seconds.toFixed(1)} s: ${JSON.stringify(now)}`;
    }
    throw new Error(`${this.name} does not hear ${voices} voices well: ${report}`);
  }

  /** Waits for so many milliseconds in which nothing of this kind arrives. What was on its way when somebody fell silent may still come before. */
  async receivesNothing(kind, ms = 2000) {
    let [last, since] = [-1, Date.now()];
    await until(`no ${kind} reaches ${this.name}`, async () => {
      const { packetsReceived } = await this.received(kind);
      if (packetsReceived !== last) {
        [last, since] = [packetsReceived, Date.now()];
      }
      return Date.now() - since >= ms || `not: ${packetsReceived} packets`;
    }, ms + 8000);
  }

  /** Waits for a shared screen of this size, and for a stretch of two seconds in which so many frames a second of it are shown. */
  async watches({ width, height }, fps = 5) {
    const sees = `${this.name} sees a screen of ${width} × ${height}`;
    await until(sees, async () => {
      const screen = await this.screen();
      // Encoders begin small while they learn what the line carries.
      return (screen && screen.frames > 0 && screen.width === width && screen.height === height) || `not: ${JSON.stringify(screen)}`;
    }, 30_000);
    await until(`${sees} that moves`, async () => {
      const [first, begin] = [await this.screen(), Date.now()];
      await pause(2000);
      const last = await this.screen();
      const rate = ((last?.frames ?? 0) - (first?.frames ?? 0)) / ((Date.now() - begin) / 1000);
      return rate >= fps || `not: ${rate.toFixed(1)} frames a second`;
    }, 15_000);
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

  /** From now on all that the line said is kept, also what it said for a moment only; gives the function that tells. */
  async watchLine() {
    const handle = await this.line.evaluateHandle((line) => {
      const phases = [line.dataset.phase];
      new MutationObserver(() => phases.push(line.dataset.phase)).observe(line, { attributeFilter: ['data-phase'] });
      return phases;
    });
    return () => handle.jsonValue();
  }

  /** The page's process dies, and has no time for a last word. */
  async crash() {
    const devtools = await this.window.newCDPSession(this.page);
    devtools.send('Page.crash').catch(() => undefined); // nobody is left to answer
    await this.page.waitForEvent('crash');
  }

  /** The page had no error that nobody caught. */
  noErrors() {
    assert.deepEqual(this.pageErrors, [], `uncaught errors on ${this.name}'s page`);
  }
}
