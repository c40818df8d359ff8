// A person's socket to the host breaks while the media go on: nobody hears a gap, and the person is the same one afterwards.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { launch } from '../lib/browser.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('a lost socket', { timeout: 60_000 }, () => {
  let browser;

  before(async () => {
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
  });

  it('comes back, and nothing was lost', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    const cut = await alice.cuttable();
    await Promise.all([alice.open('group'), bob.open('group')]);
    await alice.join();
    await bob.join();
    await alice.unmute();
    const { session } = await bob.sees(alice, { unmuted: true });
    await until('bob hears alice', async () => (await bob.received('audio')).packetsReceived > 50);

    await cut();
    const line = alice.page.getByTestId('connection');
    await until('the page says that it reconnects', async () => (await line.getAttribute('data-phase')) === 'reconnecting');
    const then = await bob.received('audio');
    await alice.connected();
    const now = await bob.received('audio');
    assert.ok(now.packetsReceived > then.packetsReceived, 'media must go on without the socket');
    assert.equal(now.packetsLost, 0, JSON.stringify({ then, now }));

    // What is said on the new socket counts for the old session, and what others do is heard on it.
    await alice.mute();
    const row = await bob.sees(alice, { unmuted: false });
    assert.equal(row.session, session, 'the same session as before');
    await bob.unmute();
    await alice.sees(bob, { unmuted: true });
    await Promise.all([alice.leave(), bob.leave()]);
    alice.noErrors();
    bob.noErrors();
  });
});
