// A person in the web app, or in the page that stands in for it: they come to calls by the header, the toast, the post, a command or a link.
import assert from 'node:assert/strict';

import { axe } from './axe.mjs';
import { host } from './host.mjs';
import { Person } from './person.mjs';
import { until } from './until.mjs';

export class Member extends Person {
  /** Opens a channel by its seeded name or by its id, and signs in where that is needed. */
  async open(channel, query = '') {
    const id = host.channels[channel]?.id ?? channel;
    await this.page.goto(`${host.url}/calls/channels/${id}${query}`);
    await this.arrived(this.page.locator('#channel_view'));
  }

  /** A click on another channel in the sidebar. */
  async goTo(channel) {
    const { id } = host.channels[channel] ?? { id: channel };
    // Not where the mouse is: the widget may lie over the end of a long list.
    await this.page.locator(`[data-channel="${id}"]`).evaluate((entry) => entry.click());
    await this.page.locator(`[data-channel="${id}"][aria-current=page]`).waitFor();
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

  get line() {
    return this.widget.getByTestId('connection');
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
    await this.page.getByTestId(entry === 'devices' ? 'calls-widget-audio-input-button' : `menu-${entry}`).click();
  }

  /** Opens the call in a window of its own, and gives this person in there. */
  async expand() {
    const [page] = await Promise.all([this.window.waitForEvent('page'), this.page.locator('#calls-widget-expand-button').click()]);
    await page.getByTestId('calls-expanded-view').waitFor();
    return this.in(page);
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

  async kind() {
    return this.header.getAttribute('data-kind');
  }

  /** Nothing on the page is a violation of the rules that axe knows. */
  async accessible(what) {
    const violations = await axe(this.page);
    assert.deepEqual(violations, [], `${what}, seen by ${this.name}`);
  }
}
