// A call in a direct channel rings at the other one, wherever that one is signed in.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { configure } from '../lib/admin.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { callOf, host } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

before(async () => {
  await configure({ enableringing: true });
});

after(async () => {
  await configure({ enableringing: false });
});

afterEach(async () => {
  await until('no call is left', async () => (await callOf('alice', 'direct')) === undefined, 30_000);
});

const card = (person) => person.page.getByTestId('ringing');

describe('a direct call', { timeout: 120_000 }, () => {
  it('rings on all devices, can be declined on all at once, and answered', async () => {
    const [alice, bob, phone] = await Promise.all(['alice', 'bob', 'bob'].map((name) => Member.arrive(browser, name)));
    await Promise.all([alice.open('direct'), bob.open('public'), phone.open('public')]);
    await alice.join();
    await alice.sees(alice, { unmuted: true });
    await Promise.all([bob, phone].map((p) => card(p).waitFor()));
    assert.match(await card(bob).textContent(), /Alice Example is calling/);
    await bob.accessible('a ringing call');
    await bob.page.getByTestId('ring-decline').click();
    await card(phone).waitFor({ state: 'detached' });
    await alice.leave();
    await until('the call is over', async () => (await callOf('alice', 'direct')) === undefined);
    await alice.join();
    await phone.page.getByTestId('ring-answer').click();
    await phone.connected();
    // Both were unmuted at once, each while the other's line was being made: the hardest moment for the negotiation.
    await Promise.all([[alice, phone], [phone, alice]].map(([p, other]) => p.sees(other, { unmuted: true })));
    await Promise.all([alice.hears(1, 2000), phone.hears(1, 2000)]);
    await card(bob).waitFor({ state: 'detached' });
    [alice, bob, phone].forEach((p) => p.noErrors());
  });

  it('rings for who opens the page a moment later, and not again after a reload when it was declined', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Member.arrive(browser, name)));
    await alice.open('direct');
    await alice.join();
    await bob.open('public');
    await card(bob).waitFor();
    await bob.page.getByTestId('ring-decline').click();
    await card(bob).waitFor({ state: 'detached' });
    await bob.page.reload();
    // The mark in the sidebar says that the page knows of the call.
    await bob.page.locator(`[data-channel="${host.channels.direct.id}"]`).getByTestId('calls-sidebar-active-call-icon').waitFor();
    assert.equal(await card(bob).count(), 0);
    bob.noErrors();
  });

  it('takes nothing from who types, and is answered by keyboard', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Member.arrive(browser, name)));
    await Promise.all([alice.open('direct'), bob.open('public')]);
    const { page } = bob;
    await page.locator('#post_textbox').focus();
    await alice.join();
    await card(bob).waitFor();
    await page.keyboard.type('still ');
    assert.equal(await page.locator('#post_textbox').inputValue(), 'still ');
    await page.keyboard.press('F6');
    await page.keyboard.press('Enter');
    await bob.connected();
    bob.noErrors();
  });

  it('that nobody takes becomes a note, which goes when it has been read', async () => {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Member.arrive(browser, name)));
    await bob.page.clock.install();
    await Promise.all([alice.open('direct'), bob.open('public')]);
    await alice.join();
    await card(bob).waitFor();
    await bob.page.clock.fastForward(31_000);
    const note = bob.page.getByTestId('missed-call');
    await note.waitFor();
    assert.match(await note.textContent(), /Missed call from Alice Example/);
    assert.equal(await card(bob).count(), 0);
    await bob.accessible('a missed call');
    await note.getByRole('button', { name: 'Dismiss' }).click();
    await note.waitFor({ state: 'detached' });
    bob.noErrors();
  });
});
