// Two people with real browsers on the call page of a real Mattermost server: they hear each other, see a shared screen, and are gone when they leave.
import assert from 'node:assert/strict';
import { before, describe } from 'node:test';

import { fakeScreen, withBrowser } from '../lib/browser.mjs';
import { callOf } from '../lib/host.mjs';
import { Person } from '../lib/person.mjs';
import { story } from '../lib/story.mjs';
import { until } from '../lib/until.mjs';

describe('a call of two', { timeout: 180_000 }, () => {
  let browser;
  let alice;
  let bob;

  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => Person.arrive(browser, name, { signedIn: false })));
  });

  const step = story(() => [alice, bob]);

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
    await Promise.all([alice.hears(1, 5000), bob.hears(1, 5000)]);
    await Promise.all([alice.screenshot('talking'), bob.screenshot('talking')]);
  });

  step('they see who talks', async () => {
    await bob.sees(alice, { talking: true }, 20_000);
  });

  step('who mutes sends nothing to the others', async () => {
    await alice.mute();
    await bob.sees(alice, { unmuted: false });
    await bob.receivesNothing('audio');
    const back = (await alice.received('audio')).packetsReceived;
    await until('the muted one goes on hearing the other', async () => (await alice.received('audio')).packetsReceived > back);
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
    await bob.watches(fakeScreen);
    assert.match(await bob.page.getByText('is sharing the screen').first().textContent(), /alice/i);
    assert.equal(await bob.page.getByTestId('calls-widget-menu-screenshare').getAttribute('aria-disabled'), 'true', 'only one can share');
    await Promise.all([alice.screenshot('sharing'), bob.screenshot('sharing')]);
  });

  step('the share ends, and the other can share', async () => {
    await alice.toggleScreen();
    await until('the screen is gone', async () => (await bob.screen()) === null);
    await bob.toggleScreen();
    await alice.watches(fakeScreen);
    await bob.toggleScreen();
    await until('the screen is gone', async () => (await alice.screen()) === null);
  });

  step('the first can share again', async () => {
    await alice.toggleScreen();
    await bob.watches(fakeScreen);
    await alice.toggleScreen();
    await until('the screen is gone', async () => (await bob.screen()) === null);
    assert.equal((await bob.received('audio')).packetsLost, 0, 'audio was lost over all the negotiation');
  });

  step('who leaves is gone at the other side, and the call ends with the last', async () => {
    await alice.leave();
    await bob.seesOnly(bob);
    await bob.receivesNothing('audio', 1000);
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
