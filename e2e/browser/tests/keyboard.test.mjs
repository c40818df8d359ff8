// No mouse: where Tab and F6 go, what arrows do in a row of buttons, that the focus is never lost, and what a screen reader is told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { axe } from '../lib/axe.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { Member } from '../lib/member.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

/** What has the focus: its id, else what tests or screen readers call it. */
const focused = (page) => page.evaluate(() => {
  const { id, dataset, className } = document.activeElement;
  return id || dataset.testid || document.activeElement.getAttribute('aria-label') || className;
});

/** Something like this was put into a live region. */
async function said(person, pattern) {
  await until(`${person.name} is told ${pattern}`, async () => {
    const texts = await person.page.getByTestId('live').allTextContents();
    return texts.some((text) => pattern.test(text)) || `not: ${JSON.stringify(texts)}`;
  });
}

/** Presses Tab as often as there are names, and finds them in this order. */
async function tabs(page, key, ...names) {
  for (const name of names) {
    await page.keyboard.press(key);
    assert.equal(await focused(page), name);
  }
}

describe('the widget', { timeout: 90_000 }, () => {
  it('can be used with the keyboard alone', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
    const { page } = alice;
    const is = (name) => until(`the focus is on ${name}`, async () => (await focused(page)) === name || `not: ${await focused(page)}`);
    await alice.header.focus();
    await page.keyboard.press('Enter');
    await alice.connected();

    // From the host's first part to the last, which is ours, and on with Tab: head, channel, expand, what the notice offers, one stop for the row of buttons, and
    // the connection.
    await page.locator('#post_textbox').focus();
    await page.keyboard.press('Control+Shift+F6');
    await is('calls-widget');
    await page.keyboard.press('Tab');
    assert.match(await focused(page), /cl-widget-head/);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Private room');
    await tabs(page, 'Tab', 'calls-widget-expand-button', 'check-notice-go', 'check-notice-away', 'voice-mute-unmute', 'connection');
    await tabs(page, 'Shift+Tab', 'voice-mute-unmute');

    await page.keyboard.press('Enter');
    await until('unmuted', async () => (await page.locator('#voice-mute-unmute').getAttribute('aria-pressed')) === 'true');
    await tabs(page, 'ArrowRight', 'raise-hand', 'calls-widget-menu-screenshare', 'show-participants-list');
    await tabs(page, 'Tab', 'connection');
    await tabs(page, 'Shift+Tab', 'show-participants-list'); // the row is entered where it was left
    await page.keyboard.press('Enter');
    await page.getByTestId('participants').waitFor();
    await is('Close'); // an opened panel takes the focus
    await page.keyboard.press('Escape');
    await page.getByTestId('participants').waitFor({ state: 'detached' });
    await is('show-participants-list'); // and gives it back

    const head = page.locator('.cl-widget-head');
    const before = await head.boundingBox();
    await head.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowUp');
    const moved = await head.boundingBox();
    assert.deepEqual([moved.x - before.x, before.y - moved.y], [16, 16], 'arrows move it');

    await page.locator('#show-participants-list').focus();
    await tabs(page, 'End', 'calls-widget-leave-button');
    await page.keyboard.press('Enter');
    await alice.widget.waitFor({ state: 'detached' });
    alice.noErrors();
  });
});

describe('the call page', { timeout: 90_000 }, () => {
  it('can be used by keyboard alone, and tells a screen reader what happens', async () => {
    const bob = await Person.arrive(browser, 'bob');
    await bob.open('private');
    const { page } = bob;
    await tabs(page, 'Tab', 'check-open', 'calls-listen-button', 'calls-join-button');
    await page.keyboard.press('Enter');
    await bob.connected();
    await said(bob, /You are in the call, muted\. 1 person\./);

    const button = page.getByRole('button', { name: 'Unmute' });
    assert.equal(await button.getAttribute('aria-pressed'), 'false');
    await button.focus();
    await page.keyboard.press('Space');
    await said(bob, /Unmuted/);
    assert.equal(await focused(page), 'voice-mute-unmute', 'the focus stays where it was');
    assert.equal(await page.getByRole('button', { name: 'Mute' }).getAttribute('aria-pressed'), 'true');
    await tabs(page, 'ArrowRight', 'calls-widget-menu-screenshare');
    await tabs(page, 'End', 'calls-widget-leave-button');
    await page.keyboard.press('Enter');
    assert.equal(await page.getByTestId('ended').getAttribute('data-reason'), 'left');
    bob.noErrors();
  });

  it('finds any emoji to react with', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    const { page } = bob;
    const sees = (what) => until(`alice sees ${what}`, async () => (await alice.page.getByTestId('reactions').first().textContent()).includes(what));
    await page.locator('#calls-react-button').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('react-more').focus();
    await page.keyboard.press('Enter');
    await until('the field has the focus', async () => (await focused(page)) === 'emoji-search');
    await page.keyboard.type('rocket');
    await page.keyboard.press('Enter');
    await sees('🚀');
    await page.getByTestId('emoji-search').fill('');
    await page.keyboard.press('ArrowDown');
    await tabs(page, 'ArrowRight', 'react-clap');
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(page), 'emoji-search', 'above the first row is the field');
    await page.getByTestId('emoji-search').fill('🦩'); // one that is in no list of ours
    await page.keyboard.press('Enter');
    await sees('🦩');
    await page.getByTestId('emoji-search').fill('no such thing');
    await page.getByText('none of that name').waitFor();
    assert.deepEqual(await axe(page), [], 'the search');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByTestId('emoji-search').count(), 0);
    bob.noErrors();
  });

  it('F6 goes round the parts of the call, Shift F6 back', async () => {
    const bob = await Person.arrive(browser, 'bob');
    await bob.open('private');
    await bob.join();
    const { page } = bob;
    await page.locator('#calls-keys-button').click();
    await page.getByTestId('calls-keys').waitFor();
    const part = () => page.evaluate(() => document.activeElement.closest('[data-region]')?.dataset.region ?? 'none');
    const seen = new Set();
    const round = async (key) => {
      const parts = [];
      await page.locator('#voice-mute-unmute').focus();
      do {
        await page.keyboard.press(key);
        parts.push(await part());
      } while (parts.at(-1) !== 'controls' && parts.length < 10);
      parts.forEach((p) => seen.add(p));
      return parts;
    };
    const forth = await round('F6');
    const back = await round('Shift+F6');
    assert.deepEqual(back.slice(0, -1), forth.slice(0, -1).reverse(), 'the same way back');
    for (const name of ['stage', 'panel', 'controls']) {
      assert.ok(seen.has(name), `${name} is one of ${[...seen].join(', ')}`);
    }
    bob.noErrors();
  });
});
