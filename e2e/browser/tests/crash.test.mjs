// The whole plugin is killed while two people talk. The host starts it again (it looks every 30 s), and both are back in a call without a click.
// A host gives a plugin up at its third crash within an hour; the Go tests use one, this is the second.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launch } from '../lib/browser.mjs';
import { callOf, host } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

/** The plugin's process: a child of the server that runs our executable. */
function pluginProcess() {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === host.pids.mattermost && readlinkSync(`/proc/${pid}/exe`).includes('com.mattermost.calls')) {
        return Number(pid);
      }
    } catch {
      // it has ended meanwhile
    }
  }
  throw new Error("the plugin's process was not found");
}

let browser, alice, bob;

before(async () => {
  browser = await launch();
  [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
});

after(async () => browser?.close());

test('the page is back by itself after the plugin was killed', { timeout: 150_000 }, async () => {
  await Promise.all([alice.open('group'), bob.open('group')]);
  await alice.join();
  await bob.join();
  await alice.unmute();
  await bob.sees(alice, { unmuted: true });
  const before = await callOf('alice', 'group');

  process.kill(pluginProcess(), 'SIGKILL');
  const died = Date.now();
  await until('both are in a new call', async () => {
    const call = await callOf('alice', 'group').catch(() => undefined);
    return (call && call.id !== before.id && call.sessions.length === 2) || `not: ${JSON.stringify(call?.sessions)}`;
  }, 100_000);
  console.log(`back in a call ${((Date.now() - died) / 1000).toFixed(1)} s after the kill`);
  await Promise.all([alice.connected(), bob.connected()]);
  await bob.sees(alice, { unmuted: true }, 20_000);
  const then = (await bob.received('audio')).packetsReceived;
  await until('bob hears alice again', async () => (await bob.received('audio')).packetsReceived > then + 50 || 'not: yet', 20_000);
  assert.deepEqual([...alice.pageErrors, ...bob.pageErrors], []);
});
