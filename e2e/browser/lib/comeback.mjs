// What people see of a call that was cut off under them.
import assert from 'node:assert/strict';

import { callOf } from './host.mjs';
import { Person } from './person.mjs';
import { until } from './until.mjs';

/**
 * Alice and Bob talk in the group's call when `kill` ends what carries it. They are in a new one without a click, are heard again, and leave. Gives the seconds
 * from the moment at which `kill` was done until both were back.
 */
export async function comeBack(browser, kill) {
  const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
  await Promise.all([alice.open('group'), bob.open('group')]);
  await alice.join();
  await bob.join();
  await alice.unmute();
  await bob.sees(alice, { unmuted: true });
  const before = await callOf('alice', 'group');

  await kill();
  const begin = Date.now();
  await until('both are in a new call', async () => {
    const call = await callOf('alice', 'group').catch(() => undefined);
    return (call && call.id !== before.id && call.sessions.length === 2) || `not: ${JSON.stringify(call?.sessions)}`;
  }, 120_000);
  const seconds = (Date.now() - begin) / 1000;
  await Promise.all([alice.connected(), bob.connected()]);
  await bob.sees(alice, { unmuted: true }, 20_000);
  const then = (await bob.received('audio')).packetsReceived;
  await until('bob hears alice again', async () => (await bob.received('audio')).packetsReceived > then + 50 || 'not: yet', 20_000);
  assert.deepEqual([...alice.pageErrors, ...bob.pageErrors], []);
  await Promise.all([alice.leave(), bob.leave()]);
  return seconds.toFixed(1);
}
