// Somebody with a client of another generation: a page of the host's own origin in which only the wire protocol is known (oldclients.js).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { cookiesOf, host, pluginURL } from './host.mjs';
import { until } from './until.mjs';

const scripts = [createRequire(import.meta.url).resolve('simple-peer/simplepeer.min.js'), fileURLToPath(new URL('oldclients.js', import.meta.url))];

export class OldClient {
  /** `kind` is SimplePeerClient or RTCPeerClient; the options are in oldclients.js. */
  static async arrive(browser, name, kind, options = {}) {
    const window = await browser.newContext();
    await window.grantPermissions(['microphone'], { origin: host.url });
    await window.addCookies(await cookiesOf(name));
    const page = await window.newPage();
    await page.goto(`${pluginURL}/version`);
    for (const file of scripts) {
      await page.evaluate(readFileSync(file, 'utf8'));
    }
    return new OldClient(name, window, page, kind, options);
  }

  constructor(name, window, page, kind, options) {
    Object.assign(this, { name, window, page, kind, options });
  }

  /** Goes into a channel's call; gives the milliseconds that it took. */
  join(channel) {
    return this.page.evaluate(([kind, id, options]) => {
      window.client = new window.Calls[kind](id, options);
      return window.client.join();
    }, [this.kind, host.channels[channel].id, this.options]);
  }

  /** Calls a method of the client: mute, unmute, hand, share, unshare, leave. */
  async do(method, ...args) {
    await this.page.evaluate(async ([name, given]) => void (await window.client[name](...given)), [method, args]);
  }

  counts() {
    return this.page.evaluate(() => window.client.counts());
  }

  /** What happened to it, for who has to find out why it did not work. */
  log() {
    return this.page.evaluate(() => `${window.client.ended}\n  ${window.client.log.slice(-30).join('\n  ')}`);
  }

  async stays() {
    const ended = await this.page.evaluate(() => window.client.ended);
    if (ended) {
      throw new Error(`${this.name}'s client has ended: ${await this.log()}`);
    }
  }

  /** Waits until what somebody says arrives: packets, and sound in them. */
  async hears(packets = 50) {
    const first = await this.counts();
    await until(`${this.name} hears somebody`, async () => {
      const now = await this.counts();
      return (now.in >= first.in + packets && now.energy > first.energy) || `not: ${JSON.stringify({ first, now })} ${await this.log()}`;
    }, 15_000);
  }

  async watches(frames = 5) {
    const first = await this.counts();
    await until(`${this.name} sees a screen`, async () => {
      const now = await this.counts();
      return now.frames >= first.frames + frames || `not: ${JSON.stringify({ first, now })} ${await this.log()}`;
    }, 20_000);
  }

  async close() {
    await this.window.close();
  }
}
