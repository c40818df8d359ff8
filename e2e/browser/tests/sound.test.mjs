// The computer's sound with a shared screen, and whose network is weak.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Person } from '../lib/person.mjs';
import { pause, until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

/** Runs in the sharer's page: the fake screen of this browser has no sound, so one is added to it. All after the capture is as always. */
function addSound() {
  const real = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getDisplayMedia = async (options) => {
    window.asked = options;
    const stream = await real({ video: true });
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const out = audio.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    stream.addTrack(out.stream.getAudioTracks()[0]);
    return stream;
  };
}

describe('a shared screen with sound', { timeout: 90_000 }, () => {
  it('is heard with the sharer muted, who is not taken to talk; and ends with the share', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await bob.page.addInitScript(addSound);
    await Promise.all([alice.open('public'), bob.open('public')]);
    await alice.join();
    await bob.join();
    for (let share = 1; share <= 2; share++) {
      await bob.toggleScreen();
      await until('alice sees the screen', async () => (await alice.screen())?.width > 0, 30_000);
      const first = await alice.received('audio');
      await until(`alice hears it (share ${share})`, async () => {
        const now = await alice.received('audio');
        return (now.packetsReceived > first.packetsReceived + 50 && now.totalAudioEnergy > first.totalAudioEnergy) || `not: ${JSON.stringify(now)}`;
      }, 20_000);
      await alice.sees(bob, { unmuted: false, talking: false });
      await bob.toggleScreen();
      await until('the screen is gone', async () => (await alice.screen()) === null);
      const quiet = (await alice.received('audio')).packetsReceived;
      await pause(1000);
      assert.equal((await alice.received('audio')).packetsReceived, quiet, 'the sound ended with the screen');
    }
    const asked = await bob.page.evaluate(() => window.asked);
    assert.equal(asked.audio.echoCancellation, false, 'what makes voices clear would spoil it');
    await bob.page.locator('#calls-devices-button').click();
    await bob.page.getByTestId('switch-shareSound').click();
    await bob.toggleScreen();
    await until('shared again', async () => (await bob.page.evaluate(() => window.asked)).audio === false);
    await Promise.all([alice.leave(), bob.leave()]);
    alice.noErrors();
    bob.noErrors();
  });
});

/**
 * Runs in a page: what the browser measures of arriving voices gets holes while `window.losing` is 'in', and what the server reports of our own while it is 'out'.
 * No flag of the browser makes it lose packets of a call; all after the measure is as always.
 */
function measureHoles() {
  const real = RTCPeerConnection.prototype.getStats;
  const lines = new Map();
  RTCPeerConnection.prototype.getStats = async function (...args) {
    const report = new Map(await real.apply(this, args));
    for (const [id, stat] of report) {
      if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
        const line = lines.get(id) ?? { received: stat.packetsReceived, lost: 0 };
        line.lost += window.losing === 'in' ? (stat.packetsReceived - line.received) / 4 : 0;
        line.received = stat.packetsReceived;
        lines.set(id, line);
        report.set(id, { ...stat, packetsLost: stat.packetsLost + Math.round(line.lost) });
      } else if (stat.type === 'remote-inbound-rtp' && window.losing === 'out') {
        report.set(id, { ...stat, fractionLost: 0.2 });
      }
    }
    return report;
  };
}

describe('a weak network', { timeout: 150_000 }, () => {
  it("is shown on the one whose it is, so that nobody blames their own; one's own in a banner; both go when it is good again", async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await alice.page.addInitScript(measureHoles);
    await Promise.all([alice.open('public'), bob.open('public')]);
    await alice.join();
    await bob.join();
    await bob.unmute();
    await alice.unmute();
    const lose = (way) => alice.page.evaluate((to) => {
      window.losing = to;
    }, way);
    const weak = async () => /Weak network/.test((await alice.sees(bob)).text);
    const banner = alice.page.getByTestId('poor-notice');
    await lose('in');
    await until('alice sees that', weak, 30_000);
    await alice.screenshot('weak');
    assert.match(await alice.page.getByTestId('connection').textContent(), /Good/, 'her own network is good');
    await lose('out');
    await until('it is said of her own', async () => (await banner.count()) === 1 && /20 % of what you say is lost/.test(await banner.textContent()), 40_000);
    await until('and bob is fine again', async () => !(await weak()), 40_000);
    await lose('');
    await until('the banner goes', async () => (await banner.count()) === 0, 40_000);
    await Promise.all([alice.leave(), bob.leave()]);
    alice.noErrors();
  });
});
