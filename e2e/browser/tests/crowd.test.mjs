// A call of five hundred, as the page sees it: the server's events come over the page's own socket, put there by the test, as no machine here could hold so many browsers.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { host } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

const people = 500;
const prefix = 'custom_com.mattermost.calls_';

/**
 * Stands between the page's socket and the server, and can say things in the server's name; the numbers of the frames stay without a gap. From `alone` on the server
 * says nothing of calls any more: an event of its own, however late, would have the number of one of ours.
 */
async function tapped(person) {
  let page;
  let seq = 0;
  let alone = false;
  await person.page.routeWebSocket(/\/api\/v4\/websocket/, (socket) => {
    page = socket;
    const server = socket.connectToServer();
    socket.onMessage((message) => server.send(message));
    server.onMessage((message) => {
      const frame = typeof message === 'string' ? JSON.parse(message) : null;
      if (alone && frame?.event?.startsWith(prefix) && frame.data?.v !== undefined) {
        return;
      }
      socket.send(frame && 'seq' in frame && frame.event ? JSON.stringify({ ...frame, seq: seq++ }) : message);
    });
  });
  return {
    alone: () => {
      alone = true;
    },
    say: (event, data) => page.send(JSON.stringify({ event: prefix + event, data, broadcast: { channel_id: host.channels.group.id }, seq: seq++ })),
  };
}

describe('a call of five hundred', { timeout: 120_000 }, () => {
  let browser;

  withBrowser((b) => {
    browser = b;
  });

  it('does not freeze the page, whoever comes, talks and raises a hand', async () => {
    const alice = await Person.arrive(browser, 'alice');
    const { say, alone } = await tapped(alice);
    await alice.open('group');
    await alice.join();
    alone();
    const { callID, v } = await alice.page.evaluate(() => ({ callID: window.callsClient.state.callID, v: window.callsClient.state.v }));
    await alice.page.evaluate(() => {
      window.longest = [];
      new PerformanceObserver((list) => window.longest.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
    });
    let version = v;
    const event = (name, data) => say(name, { ...data, call_id: callID, channelID: host.channels.group.id, v: ++version });
    const id = (i) => `crowd${String(i).padStart(21, '0')}`;
    for (let i = 0; i < people - 1; i++) {
      event('user_joined', { user_id: id(i), session_id: `s${id(i)}` });
    }
    const list = () => alice.page.getByTestId('participants').first();
    await until('all are counted', async () => (await list().getAttribute('data-count')) === String(people), 30_000);
    assert.equal(await alice.page.getByTestId('participant').count(), 24, 'a page of the grid');
    await alice.page.locator('#calls-people-button').click();
    const panel = alice.page.locator('#calls-participants');
    await panel.waitFor();
    assert.match(await panel.textContent(), /In this call: 500/);
    const drawn = await panel.getByTestId('participant').count();
    assert.ok(drawn > 5 && drawn < 60, `${drawn} rows are drawn`);
    // Half a minute of a lively meeting, as fast as the page takes it: three talk by turns, hands go up.
    const begin = Date.now();
    for (let i = 0; i < 150; i++) {
      event('user_unmuted', { session_id: `s${id(i % 3)}` });
      event('user_voice_on', { session_id: `s${id(i % 3)}` });
      event('user_voice_off', { session_id: `s${id(i % 3)}` });
      if (i % 30 === 0) {
        event('user_raise_hand', { session_id: `s${id(100 + i)}`, raised_hand: begin + i });
      }
    }
    await until('the last hand is in the strip', async () => (await alice.page.getByTestId('hands').textContent()).includes('5 hands'), 30_000);
    const took = Date.now() - begin;
    await panel.locator('.cl-list').evaluate((element) => element.scrollTo(0, element.scrollHeight));
    const last = () => panel.getByTestId('participant').evaluateAll((rows) => [rows.at(-1)?.getAttribute('aria-posinset'), rows.at(-1)?.getAttribute('aria-setsize')]);
    await until('the last row is drawn at the end', async () => {
      const [at, of] = await last();
      return (at !== undefined && at === of) || `not: ${at} of ${of}`;
    });
    await alice.screenshot('crowd');
    await panel.locator('input[type=search]').fill('alice');
    await until('one is found', async () => (await panel.getByTestId('participant').count()) === 1);
    const longest = Math.round(Math.max(0, ...(await alice.page.evaluate(() => window.longest))));
    console.log(`a call of ${people}: 455 events shown in ${took} ms; the page was busy ${longest === 0 ? 'for less than 50' : `at most ${longest}`} ms at a stretch`);
    // A bound that only a freeze breaks, on any machine; the numbers are for people to read.
    assert.ok(longest < 2000, `the page stood still for ${longest} ms`);
    alice.noErrors();
    await alice.close();
  });
});
