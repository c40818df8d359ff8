// The whole plugin is killed while two people talk. The host starts it again (it looks every 30 s), and both are back in a call without a click.
// A host gives a plugin up at its third crash within an hour; the Go tests use one, this is the second.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { comeBack } from '../lib/comeback.mjs';
import { host } from '../lib/host.mjs';

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

let browser;

withBrowser((b) => {
  browser = b;
});

test('the page is back by itself after the plugin was killed', { timeout: 200_000 }, async () => {
  const seconds = await comeBack(browser, () => process.kill(pluginProcess(), 'SIGKILL'));
  console.log(`back in a call ${seconds} s after the kill`);
});
