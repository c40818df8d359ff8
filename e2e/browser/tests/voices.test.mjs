// Whose voice comes on which line: the server lends its lines to whoever talks, and says so on the data channel.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('the voices of a call of three', { timeout: 180_000 }, () => {
  let browser;

  withBrowser((b) => {
    browser = b;
  });

  it('are each as loud as was chosen for the person, also when the line goes over to another', async () => {
    const [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => Person.arrive(browser, name)));
    await Promise.all([alice, bob, carol, dave].map((p) => p.open('public')));
    await alice.join();
    for (const person of [bob, carol]) {
      await person.join();
      await person.unmute();
    }
    await alice.page.locator('#calls-people-button').click();
    await alice.page.getByRole('button', { name: /^More about Bob/ }).click();
    const slider = alice.page.getByTestId('volume');
    await slider.focus();
    await alice.page.keyboard.press('PageDown');
    await alice.page.keyboard.press('PageDown');
    await until('one voice is softer', async () => {
      const soft = (await voices(alice)).filter((v) => v.volume === 50);
      return soft.length === 1 || `not: ${JSON.stringify(await voices(alice))}`;
    });
    await bob.mute();
    await until('nothing comes on it while Bob is muted, and Carol is heard', async () => {
      const first = await voices(alice);
      await new Promise((done) => setTimeout(done, 1000));
      const second = await voices(alice);
      const came = second.map((v) => ({ volume: v.volume, packets: v.packets - (first.find((f) => f.track === v.track)?.packets ?? 0) }));
      const busy = came.filter((v) => v.packets > 10);
      return (busy.length === 1 && busy[0].volume === 100) || `not: ${JSON.stringify(came)}`;
    });

    await bob.leave();
    await until('Bob is gone', async () => !(await alice.people()).some((p) => p.name === 'bob'));
    await dave.join();
    await dave.unmute();
    await until('Dave, who has the line now, is as loud as ever', async () => {
      const all = await voices(alice);
      return all.every((v) => v.volume === 100) || `not: ${JSON.stringify(all)}`;
    });
    for (const person of [alice, carol, dave]) {
      await person.leave();
      person.noErrors();
    }
    await Promise.all([alice, bob, carol, dave].map((p) => p.close()));
  });

  it('are heard from browsers that put their microphone on a line of the server', async () => {
    const people = await Promise.all(['alice', 'bob', 'carol'].map((name) => Person.arrive(browser, name)));
    for (const person of people) {
      await person.window.addInitScript(asStockClients);
      await person.open('group');
    }
    for (const person of people) {
      await person.join();
      await until(`${person.name} has lines of the server's`, async () => (await person.page.evaluate(() => window.connections.at(-1).getTransceivers().length)) >= 4);
      await person.unmute();
      assert.equal(await person.page.evaluate(() => window.reused), true, `${person.name}'s microphone is on a line of the server's`);
    }
    for (const person of people) {
      await until(`${person.name} hears both others`, async () => {
        const busy = (await person.stats()).filter((s) => s.type === 'inbound-rtp' && s.kind === 'audio' && s.packetsReceived > 50 && s.totalAudioEnergy > 0);
        return busy.length === 2 || `not: ${JSON.stringify(busy)}`;
      }, 20_000);
    }
    const [alice, ...rest] = people;
    for (const other of rest) {
      await alice.sees(other, { talking: true }, 20_000);
    }
    for (const person of people) {
      await person.leave();
      person.noErrors();
      await person.close();
    }
  });
});

/** What plays, how loud, and how much came of it. */
async function voices(person) {
  const playing = await person.page.getByTestId('voice').evaluateAll((all) => all.map((a) => ({ volume: Number(a.dataset.volume), track: a.srcObject?.getAudioTracks()[0]?.id })));
  const stats = (await person.stats()).filter((s) => s.type === 'inbound-rtp' && s.kind === 'audio');
  return playing.map((p) => ({ ...p, packets: stats.find((s) => s.trackIdentifier === p.track)?.packetsReceived ?? 0 }));
}

/** Runs in the page: our client makes a line of its own for its microphone, stock clients take one that is there. */
function asStockClients() {
  window.connections = [];
  const Connection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Connection {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }

    addTransceiver(track, init) {
      if (track.kind !== 'audio') {
        return super.addTransceiver(track, init);
      }
      const sender = this.addTrack(track, ...(init.streams ?? []));
      const line = this.getTransceivers().find((t) => t.sender === sender);
      window.reused = line.mid !== null;
      return line;
    }
  };
}
