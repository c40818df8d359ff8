// Two people with real browsers on the call page of a real Mattermost server: they hear each other, see a shared screen, and are gone when they leave.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { fakeScreen, launch } from '../lib/browser.mjs';
import { callOf } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { pause, until } from '../lib/until.mjs';

describe('a call of two', { timeout: 180_000 }, () => {
  let browser;
  let alice;
  let bob;

  before(async () => {
    browser = await launch();
    [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
  });

  after(async () => {
    await browser?.close();
  });

  // The steps build on one another, as a conversation does; after a failed one the others would only repeat it.
  let broken = false;
  const step = (name, fn) =>
    it(name, async () => {
      assert.ok(!broken, 'an earlier step failed');
      try {
        await fn();
      } catch (error) {
        broken = true;
        await Promise.allSettled([alice.screenshot('failed'), bob.screenshot('failed')]);
        throw error;
      }
    });

  step('both sign in by the form and join', async () => {
    await Promise.all([alice.open('public'), bob.open('public')]);
    await alice.join();
    await alice.seesOnly(alice);
    await bob.join();
    await Promise.all([alice.seesOnly(alice, bob), bob.seesOnly(alice, bob)]);
    const row = await alice.sees(bob, { unmuted: false });
    assert.match(row.text, /muted/);
  });

  step('they hear each other, and nothing is lost', async () => {
    await alice.unmute();
    await bob.unmute();
    await Promise.all([alice.sees(bob, { unmuted: true }), bob.sees(alice, { unmuted: true })]);
    await Promise.all([alice, bob].map((p) => until(`${p.name} receives audio`, async () => (await p.received('audio')).packetsReceived > 50)));
    const read = () => Promise.all([alice, bob].map(async (p) => ({ who: p.name, in: await p.received('audio'), out: await p.sent('audio') })));
    const first = await read();
    await pause(5000);
    const second = await read();
    first.forEach((then, i) => {
      const now = second[i];
      const report = `${now.who}: ${JSON.stringify({ then, now })}`;
      // 50 packets a second; the fake microphone beeps once a second, so that energy must grow.
      assert.ok(now.in.packetsReceived - then.in.packetsReceived > 200, `too few packets came in 5 s: ${report}`);
      assert.ok(now.out.packetsSent - then.out.packetsSent > 200, `too few packets went out in 5 s: ${report}`);
      assert.ok(now.in.totalAudioEnergy > then.in.totalAudioEnergy, `what came was silence: ${report}`);
      assert.equal(now.in.packetsLost, 0, `packets were lost: ${report}`);
    });
    await Promise.all([alice.screenshot('talking'), bob.screenshot('talking')]);
  });

  step('they see who talks', async () => {
    await bob.sees(alice, { talking: true }, 20_000);
  });

  step('who mutes sends nothing to the others', async () => {
    await alice.mute();
    await bob.sees(alice, { unmuted: false });
    const then = (await bob.received('audio')).packetsReceived;
    await pause(2000);
    assert.equal((await bob.received('audio')).packetsReceived - then, 0, 'packets of a muted microphone reached the other side');
    const back = (await alice.received('audio')).packetsReceived;
    await pause(1000);
    assert.ok((await alice.received('audio')).packetsReceived > back, 'the muted one must go on hearing the other');
  });

  step('and is heard again after unmuting', async () => {
    const then = await bob.received('audio');
    await alice.unmute();
    const now = await until('bob receives audio again', async () => {
      const stats = await bob.received('audio');
      return stats.packetsReceived > then.packetsReceived + 50 && stats.totalAudioEnergy > then.totalAudioEnergy && stats;
    });
    assert.equal(now.packetsLost, 0, `packets were lost over mute and unmute: ${JSON.stringify(now)}`);
  });

  step('a shared screen is seen at its size, and moves', async () => {
    await alice.toggleScreen();
    await watches(bob, fakeScreen);
    assert.match(await bob.page.getByText('is sharing the screen').first().textContent(), /alice/i);
    assert.equal(await bob.page.getByTestId('calls-widget-menu-screenshare').getAttribute('aria-disabled'), 'true', 'only one can share');
    await Promise.all([alice.screenshot('sharing'), bob.screenshot('sharing')]);
  });

  step('the share ends, and the other can share', async () => {
    await alice.toggleScreen();
    await until('the screen is gone', async () => (await bob.screen()) === null);
    await bob.toggleScreen();
    await watches(alice, fakeScreen);
    await bob.toggleScreen();
    await until('the screen is gone', async () => (await alice.screen()) === null);
  });

  step('the first can share again', async () => {
    await alice.toggleScreen();
    await watches(bob, fakeScreen);
    await alice.toggleScreen();
    await until('the screen is gone', async () => (await bob.screen()) === null);
    assert.equal((await bob.received('audio')).packetsLost, 0, 'audio was lost over all the negotiation');
  });

  step('who leaves is gone at the other side, and the call ends with the last', async () => {
    await alice.leave();
    await bob.seesOnly(bob);
    const before = (await bob.received('audio')).packetsReceived;
    await pause(1000);
    assert.equal((await bob.received('audio')).packetsReceived, before, 'packets of one who left');
    await bob.leave();
    await until('the call is over', async () => (await callOf('alice', 'public')) === undefined);
  });

  step('one can come back', async () => {
    await alice.page.getByTestId('join-again').click();
    await alice.page.getByTestId('calls-join-button').waitFor();
    await alice.join();
    await alice.seesOnly(alice);
    await alice.leave();
  });

  step('nothing went wrong unseen', async () => {
    alice.noErrors();
    bob.noErrors();
  });
});

/** The person sees a screen of this size, whose frames come on. */
async function watches(person, { width, height }) {
  const first = await until(`${person.name} sees the screen`, async () => {
    const screen = await person.screen();
    // Encoders begin small while they learn what the line carries.
    return (screen && screen.frames > 0 && screen.width === width && screen.height === height && screen) || `not: ${JSON.stringify(screen)}`;
  }, 30_000);
  const decoded = (await person.received('video')).framesDecoded;
  await until('frames come on', async () => (await person.screen()).frames > first.frames + 10 && (await person.received('video')).framesDecoded > decoded);
}
