// A person in the web app, or in the page that stands in for it: they come to calls by the header, the toast, the post, a command or a link.
import assert from 'node:assert/strict';

import { host } from './host.mjs';
import { Person } from './person.mjs';
import { until } from './until.mjs';

export class Member extends Person {
  /** Opens a channel by its seeded name or by its id, and signs in where that is needed. */
  async open(channel, query = '') {
    const id = host.channels[channel]?.id ?? channel;
    await this.page.goto(`${host.url}/calls/channels/${id}${query}`);
    const login = this.page.getByTestId('login-id');
    await until(`${this.name} sees the page`, async () => (await login.count()) > 0 || (await this.page.locator('#channel_view').count()) > 0);
    if (await login.count()) {
      await this.signIn();
    }
    await this.page.locator('#channel_view').waitFor();
  }

  get header() {
    return this.page.locator('#calls-join-button');
  }

  get widget() {
    return this.page.locator('#calls-widget');
  }

  async join() {
    await this.header.click();
    await this.connected();
  }

  async connected() {
    await until(`${this.name} is connected`, async () => {
      const ended = this.page.getByTestId('ended');
      if (await ended.count()) {
        throw new Error(`${this.name} could not stay: "${await ended.textContent()}"`);
      }
      const line = this.widget.getByTestId('connection');
      const phase = await line.evaluateAll((lines) => lines[0]?.dataset.phase ?? 'before the call');
      return phase === 'connected' || `not: ${phase}`;
    }, 20_000);
  }

  /** The list of people, open above the widget. */
  async people() {
    const list = this.page.getByTestId('participants');
    if ((await list.count()) === 0) {
      await this.page.locator('#show-participants-list').click();
      await list.waitFor();
    }
    return super.people();
  }

  async closePanel() {
    const list = this.page.getByTestId('participants');
    if (await list.count()) {
      await this.page.locator('#show-participants-list').click();
      await list.waitFor({ state: 'detached' });
    }
  }

  async raiseHand() {
    await this.page.locator('#raise-hand').click();
  }

  async react(name) {
    await this.menu('react');
    await this.page.getByTestId(`react-${name}`).click();
    await this.page.keyboard.press('Escape');
  }

  /** Opens an entry of the widget's menu. */
  async menu(entry) {
    await this.page.locator('#calls-widget-toggle-menu-button').click();
    await this.page.getByTestId(`menu-${entry}`).click();
  }

  /** Leaves; the widget goes by itself. */
  async leave() {
    await this.pressLeave();
    await this.widget.waitFor({ state: 'detached' });
  }

  /** Types into the channel's field, and sends. */
  async say(text) {
    await this.page.locator('#post_textbox').fill(text);
    await this.page.locator('#post_textbox').press('Enter');
  }

  /** A press on what a host may do about another person. */
  async asHost(other, action) {
    await this.people();
    const row = this.page.locator(`[data-testid=participant][data-user="${other.user.id}"]`);
    if ((await row.getByRole('button', { name: action, exact: true }).count()) === 0) {
      await row.getByRole('button', { name: /^More about/ }).click();
    }
    await row.getByRole('button', { name: action, exact: true }).click();
  }

  /** Measures of getStats between now and so many milliseconds later. */
  async hearsOver(ms) {
    const first = await this.received('audio');
    await this.page.waitForTimeout(ms);
    const second = await this.received('audio');
    return Object.fromEntries(Object.entries(second).map(([key, value]) => [key, value - first[key]]));
  }

  async kind() {
    return this.header.getAttribute('data-kind');
  }

  /** Nothing on the page is a violation of the rules that axe knows. */
  async accessible(what) {
    const violations = await axe(this.page);
    assert.deepEqual(violations, [], `${what}, seen by ${this.name}`);
  }
}

/** Runs axe-core's rules for WCAG 2.2 A and AA on the parts of the page that are ours. */
export async function axe(page, root = '.calls-root') {
  if (!(await page.evaluate(() => 'axe' in window))) {
    const { readFileSync } = await import('node:fs');
    const { createRequire } = await import('node:module');
    // As a function call, not a script element: the call page's policy forbids those.
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  }
  return page.evaluate(async (selector) => {
    const { violations } = await window.axe.run({ include: [[selector]] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 5).map((n) => `${n.html.slice(0, 160)} :: ${n.failureSummary?.split('\n')[1] ?? ''}`) }));
  }, root);
}
