// A call that rings: silence it, answer it by a line of text, reach it by keyboard without losing what one writes, and what is left when nobody takes it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { configure } from '../lib/admin.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { callOf } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { until } from '../lib/until.mjs';

describe('a call that rings', { timeout: 120_000 }, () => {
  let browser;
  let alice;
  let bob;

  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    await configure({ enableringing: true });
    [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('direct'), bob.open('public')]);
  });

  after(async () => {
    await configure({ enableringing: false });
  });

  const ringing = () => bob.page.getByTestId('ringing');

  async function ring() {
    await until('the last call is over', async () => (await callOf('alice', 'direct')) === undefined);
    await alice.join();
    await ringing().waitFor();
  }

  it('can be silenced, and is reached by F6 without taking the focus by itself', async () => {
    await bob.page.locator('#post_textbox').focus();
    await ring();
    const focused = () => bob.page.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.id);
    assert.equal(await focused(), 'post_textbox', 'who writes goes on writing');
    await bob.screenshot('ringing');
    await bob.accessible('a ringing call');
    await bob.page.getByTestId('ring-silence').click();
    assert.equal(await bob.page.getByTestId('ring-silence').getAttribute('aria-pressed'), 'true');
    await bob.page.locator('#post_textbox').focus();
    await bob.page.keyboard.press('F6');
    await until('F6 goes to the call', async () => (await focused()) === 'ring-answer');
    await bob.page.keyboard.press('F6');
    await until('and back', async () => (await focused()) === 'post_textbox');
  });

  it('is answered with a line of text, which declines it', async () => {
    await bob.page.getByTestId('ring-replies').click();
    await bob.page.getByTestId('ring.reply.busy').click();
    await ringing().waitFor({ state: 'detached' });
    await alice.page.getByText('I can’t talk right now.').first().waitFor();
    await alice.leave();
  });

  it('leaves a note when it ends before anybody took it, from which one can call back', async () => {
    await ring();
    await alice.leave();
    const note = bob.page.getByTestId('missed-call');
    await note.waitFor();
    assert.match(await note.textContent(), /Missed call from Alice Example/);
    await bob.page.getByTestId('ring-back').click();
    await bob.connected();
    assert.equal(await note.count(), 0);
    await bob.leave();
    alice.noErrors();
    bob.noErrors();
  });
});
