// The server itself is killed while two people talk, and started again by whatever looks after it. Both are back in a call without a click, with a new plugin.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launch } from '../lib/browser.mjs';
import { callOf } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

/** The server's process as the runner knows it now. */
function server() {
  return JSON.parse(readFileSync(process.env.CALLS_HOST_JSON, 'utf8')).pids.mattermost;
}

let browser, alice, bob;

before(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
});

after(async () => browser?.close());

test('the page is back by itself after the server was killed', { timeout: 400_000 }, async () => {
  await Promise.all([alice.open('group'), bob.open('group')]);
  await alice.join();
  await bob.join();
  await alice.unmute();
  await bob.sees(alice, { unmuted: true });
  const before = await callOf('alice', 'group');

  const killed = server();
  process.kill(killed, 'SIGKILL');
  await until('the server is up again', () => server() !== killed || 'not: yet', 180_000);
  const up = Date.now();
  await until('both are in a new call', async () => {
    const call = await callOf('alice', 'group').catch(() => undefined);
    return (call && call.id !== before.id && call.sessions.length === 2) || `not: ${JSON.stringify(call?.sessions)}`;
  }, 120_000);
  console.log(`back in a call ${((Date.now() - up) / 1000).toFixed(1)} s after the server was up`);
  await Promise.all([alice.connected(), bob.connected()]);
  await bob.sees(alice, { unmuted: true }, 20_000);
  const then = (await bob.received('audio')).packetsReceived;
  await until('bob hears alice again', async () => (await bob.received('audio')).packetsReceived > then + 50 || 'not: yet', 20_000);
  assert.deepEqual([...alice.pageErrors, ...bob.pageErrors], []);
  await Promise.all([alice.leave(), bob.leave()]);
});
