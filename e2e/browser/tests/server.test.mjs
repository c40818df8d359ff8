// The server itself is killed while two people talk, and started again by whatever looks after it. Both are back in a call without a click, with a new plugin.
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { comeBack } from '../lib/comeback.mjs';
import { pause, until } from '../lib/until.mjs';

/** The server's process as the runner knows it now. */
function server() {
  return JSON.parse(readFileSync(process.env.CALLS_HOST_JSON, 'utf8')).pids.mattermost;
}

let browser;

withBrowser((b) => {
  browser = b;
});

test('the page is back by itself after the server was killed', { timeout: 400_000 }, async () => {
  const seconds = await comeBack(browser, async () => {
    const killed = server();
    process.kill(killed, 'SIGKILL');
    await until('the server is up again', () => server() !== killed || 'not: yet', 180_000);
  });
  console.log(`back in a call ${seconds} s after the server was up`);
});
