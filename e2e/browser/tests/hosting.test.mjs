// What a host does for all at once, and the way through the call by F6.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('the host of a call', { timeout: 120_000 }, () => {
  let browser;
  let people;

  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    people = await Promise.all(['alice', 'bob', 'carol'].map((name) => Person.arrive(browser, name)));
    await Promise.all(people.map((p) => p.open('group')));
    for (const person of people) {
      await person.join();
    }
  });

  const hand = (person) => person.page.locator('#calls-hand-button');
  const hands = (person) => person.page.getByTestId('hands');

  it('lowers all hands at once, and only a host can', async () => {
    const [alice, bob, carol] = people;
    await hand(bob).click();
    await until('the first is seen', async () => (await hands(alice).count()) === 1 && /1 hand/.test(await hands(alice).textContent()));
    assert.equal(await alice.page.getByTestId('lower-all').count(), 0, 'one has a button of its own');
    await hand(carol).click();
    await until('both are seen, in order', async () => /2 hands1 Bob.*2 Carol/.test(await hands(alice).textContent()));
    assert.equal(await bob.page.getByTestId('lower-all').count(), 0, 'bob is no host');
    await alice.screenshot('lower-all');
    await alice.page.getByTestId('lower-all').first().click();
    await Promise.all(people.map((p) => until(`${p.name} sees none`, async () => (await hands(p).count()) === 0)));
    await until('bob is told', async () => /lowered your hand/.test(await bob.page.getByTestId('host-notice').textContent()));
  });

  it('mutes the others from the list', async () => {
    const [alice, bob, carol] = people;
    await bob.unmute();
    await carol.unmute();
    await alice.page.locator('#calls-people-button').click();
    await alice.page.getByTestId('mute-others').click();
    await Promise.all([bob, carol].map((p) => p.sees(p, { unmuted: false })));
    await alice.page.locator('#calls-people-button').click();
  });

  it('goes through the call by F6, and Tab stops once at the row of buttons', async () => {
    const [alice, bob] = people;
    await bob.toggleScreen();
    await until('alice sees the screen', async () => (await alice.screen())?.width > 0, 30_000);
    await alice.page.locator('#calls-people-button').click();
    await alice.page.locator('#calls-participants').waitFor();
    await alice.page.getByTestId('check-notice-away').click(); // what is offered at the top would be a part of its own
    await alice.page.getByTestId('voice-mute-unmute').focus();
    const region = () => alice.page.evaluate(() => [...document.querySelectorAll('[data-region]')].filter((r) => r.contains(document.activeElement)).at(-1)?.dataset.region);
    const visited = [];
    for (let i = 0; i < 4; i++) {
      await alice.page.keyboard.press('F6');
      visited.push(await region());
    }
    assert.deepEqual(visited, ['panel', 'stage', 'people', 'controls']);
    await alice.page.keyboard.press('Shift+F6');
    assert.equal(await region(), 'people');
    // Single keys work where no button has the focus.
    await alice.page.keyboard.press('Shift+F6');
    await alice.page.keyboard.press('1');
    await until('real size', async () => (await alice.page.getByTestId('zoom').textContent()).startsWith('100'));
    const stops = await alice.page.locator('.cl-bar button').evaluateAll((buttons) => buttons.filter((b) => b.tabIndex === 0).length);
    assert.equal(stops, 1, 'the row of buttons is one stop');
    people.forEach((p) => p.noErrors());
  });
});
