// Lines that break and pages that go away: some calls go on, some end, and the others are told which.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { launch, withBrowser } from '../lib/browser.mjs';
import { callOf } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { networkOf } from '../lib/network.mjs';
import { Person } from '../lib/person.mjs';
import { pause, until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

describe('a lost socket', { timeout: 90_000 }, () => {
  it('comes back, and nothing was lost', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    const cut = await alice.cuttable();
    await Promise.all([alice.open('group'), bob.open('group')]);
    await alice.join();
    await bob.join();
    await alice.unmute();
    const { session } = await bob.sees(alice, { unmuted: true });
    await until('bob hears alice', async () => (await bob.received('audio')).packetsReceived > 50);

    const phases = await alice.watchLine();
    await cut();
    await until('the page says that it reconnects', async () => (await phases()).includes('reconnecting'));
    const then = await bob.received('audio');
    await alice.connected();
    await until('media go on', async () => (await bob.received('audio')).packetsReceived > then.packetsReceived + 20);
    assert.equal((await bob.received('audio')).packetsLost, 0);

    // What is said on the new socket counts for the old session, and what others do is heard on it.
    await alice.mute();
    const row = await bob.sees(alice, { unmuted: false });
    assert.equal(row.session, session, 'the same session as before');
    await bob.unmute();
    await alice.sees(bob, { unmuted: true });
    alice.noErrors();
    bob.noErrors();
  });
});

describe('a network that is away', { timeout: 150_000 }, () => {
  it('for 12 seconds costs 12 seconds: the call goes on, for both', async (t) => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    const network = await networkOf(alice);
    t.after(() => network.close());
    await Promise.all([alice.open('group'), bob.open('group')]);
    await alice.join();
    await bob.join();
    await alice.unmute();
    await bob.unmute();
    await Promise.all([alice.hears(1, 2000), bob.hears(1, 2000)]);
    const { id } = await callOf('bob', 'group');

    const phases = await alice.watchLine();
    assert.ok(network.passed() > 100, `her media go through the relay: ${network.passed()} packets`);
    await network.off();
    const began = Date.now();
    await bob.receivesNothing('audio');
    await until('the page says that it reconnects', async () => (await phases()).includes('reconnecting'), 12_000);
    await pause(12_000 - (Date.now() - began));
    await network.on();

    const back = Date.now();
    await alice.connected(60_000);
    await Promise.all([alice.hears(1, 2000), bob.hears(1, 2000)]);
    console.log(`heard again ${((Date.now() - back) / 1000).toFixed(1)} s after the network was back`);
    await Promise.all([alice.seesOnly(alice, bob), bob.seesOnly(alice, bob)]);
    await Promise.all([alice.sees(bob, { unmuted: true }), bob.sees(alice, { unmuted: true })]);
    assert.equal((await callOf('bob', 'group')).id, id, 'the same call');
    alice.noErrors();
    bob.noErrors();
  });
});

describe('a page that goes away', { timeout: 90_000 }, () => {
  it('by a reload ends the call for the one, and the others are told', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    await alice.seesOnly(alice, bob);
    await bob.page.reload();
    await alice.seesOnly(alice);
    await until('bob can come back', async () => (await bob.kind()) === 'join');
    await bob.join();
    await alice.seesOnly(alice, bob);
    alice.noErrors();
  });

  it('with its tab does so, too; and with the last one the call', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    await alice.seesOnly(alice, bob);
    await bob.page.close({ runBeforeUnload: true });
    await alice.seesOnly(alice);
    await alice.page.close({ runBeforeUnload: true });
    await until('the call is over', async () => (await callOf('alice', 'private')) === undefined);
  });

  it('without a word, as when the browser is killed, is found out within half a minute', async () => {
    const other = await launch();
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(other, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    await alice.seesOnly(alice, bob);
    await bob.crash();
    await until('bob is gone', async () => (await alice.people()).length === 1, 40_000);
    alice.noErrors();
    await other.close();
  });
});
