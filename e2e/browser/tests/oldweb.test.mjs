// Clients of three generations and our call page in one call, each in a browser: the web client of 2022 stands on the real simple-peer, the phones' on what the
// protocol says of them. simple-peer hangs up at the first description that it cannot take.
import assert from 'node:assert/strict';

import { withBrowser } from '../lib/browser.mjs';
import { OldClient } from '../lib/oldclient.mjs';
import { Person } from '../lib/person.mjs';
import { story } from '../lib/story.mjs';
import { pause, until } from '../lib/until.mjs';

let chromium, alice, bob, carol, dave;
const old = () => [alice, carol, dave];

withBrowser((browser) => {
  chromium = browser;
});

const step = story(() => (bob ? [bob] : []));

step('they join, the phone within its five seconds', async () => {
  bob = await Person.arrive(chromium, 'bob');
  alice = await OldClient.arrive(chromium, 'alice', 'SimplePeerClient');
  carol = await OldClient.arrive(chromium, 'carol', 'RTCPeerClient', { lock: true, limit: 5000 });
  dave = await OldClient.arrive(chromium, 'dave', 'SimplePeerClient', { noCandidates: true });
  const ms = await alice.join('public');
  await bob.open('public');
  await bob.join();
  await carol.join('public');
  await dave.join('public');
  console.log(`simple-peer connected after ${Math.round(ms)} ms`);
  await bob.seesOnly(alice, bob, carol, dave);
});

/** Lines on which nobody talks any more play made-up silence, so only packets and sound are counted. */
async function bobHears() {
  const first = await bob.received('audio');
  await until('bob hears somebody', async () => {
    const now = await bob.received('audio');
    return (now.packetsReceived >= first.packetsReceived + 50 && now.totalAudioEnergy > first.totalAudioEnergy && now.packetsLost === first.packetsLost) || `not: ${JSON.stringify({ first, now })}`;
  }, 15_000);
}

async function everybodyHears(speaker) {
  const others = old().filter((p) => p !== speaker);
  await Promise.all([...others.map((p) => p.hears()), ...(speaker === bob ? [] : [bobHears()])]);
}

step('everybody hears everybody', async () => {
  for (const speaker of old()) {
    await speaker.do('unmute');
    await everybodyHears(speaker);
    await speaker.do('mute');
  }
  await bob.unmute();
  await everybodyHears(bob);
  await bob.mute();
});

step('the screen of each is seen by the others', async () => {
  for (const sharer of [alice, carol]) {
    await sharer.do('share');
    await Promise.all(old().filter((p) => p !== sharer).map((p) => p.watches()));
    await until('bob sees it', async () => (await bob.screen())?.frames > 5, 20_000);
    await sharer.do('unshare');
    await until('it is gone', async () => (await bob.screen()) === null);
  }
  await bob.toggleScreen();
  await Promise.all(old().map((p) => p.watches()));
  await bob.toggleScreen();
});

/**
 * So many changes at moments of chance, and all back at the end. Only one of them shares: simple-peer dies of an offer that was on its way already when it began to
 * make its own, which no server can take back (docs/negotiation.md).
 */
async function storm(client, cycles) {
  let [muted, sharing] = [true, false];
  for (let i = 0; i < cycles; i++) {
    if (client === carol && Math.random() < 0.4) {
      await client.do(sharing ? 'unshare' : 'share');
      sharing = !sharing;
    } else {
      await client.do(muted ? 'unmute' : 'mute');
      muted = !muted;
    }
    await pause(Math.random() * 200);
  }
  await client.do('mute');
  if (sharing) {
    await client.do('unshare');
  }
}

step('all at once change what they send, and nobody is thrown out', async () => {
  await Promise.all(old().map((client) => storm(client, 12)));
  for (const client of old()) {
    await client.stays();
  }
  for (const speaker of [alice, dave]) {
    await speaker.do('unmute');
    await everybodyHears(speaker);
    await speaker.do('mute');
  }
});

step('they leave', async () => {
  for (const client of old()) {
    await client.do('leave');
  }
  await bob.seesOnly(bob);
  await bob.leave();
  bob.noErrors();
  assert.equal((await bob.people()).length, 0);
});
