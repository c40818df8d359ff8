// Calls inside the web app (the page that stands in for it, with the real bundle, registry and server): every way in, three people, and what they do.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { admin, makeChannel } from '../lib/admin.mjs';
import { fakeScreen, withBrowser } from '../lib/browser.mjs';
import { callOf, host } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { story } from '../lib/story.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
});

describe('ways into a call', { timeout: 180_000 }, () => {
  const step = story(() => [alice, bob]);
  let alice;
  let bob;

  before(async () => {
    [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('public'), bob.open('public')]);
  });

  after(async () => {
    await Promise.all([alice.close(), bob.close()]);
  });

  step('the header starts one, and shows it to the others', async () => {
    assert.equal(await alice.kind(), 'start');
    await alice.join();
    await until('the header says so', async () => /In call/.test(await alice.header.textContent()));
    await until('bob can join', async () => (await bob.kind()) === 'join');
    assert.match(await bob.page.locator('#sidebarItem_public-room, #sidebarItem_public').first().textContent(), /1/);
  });

  step('the toast', async () => {
    const toast = bob.page.locator('#calls-channel-toast');
    await toast.getByText('Join call').click();
    await bob.connected();
    assert.equal(await toast.count(), 0, 'who is in needs no toast');
    await bob.leave();
  });

  step('the post', async () => {
    await bob.page.locator('[data-testid=call-post][data-running=true]').getByTestId('post-join').click();
    await bob.connected();
    await bob.leave();
  });

  step('the command', async () => {
    await bob.say('/call join');
    await bob.connected();
    await bob.say('/call join');
    assert.match(await bob.page.getByTestId('composer-problem').textContent(), /already connected/);
    await bob.say('/call leave');
    await bob.widget.waitFor({ state: 'detached' });
  });

  step('the link, once', async () => {
    await bob.open('public', '?join_call=true');
    await bob.connected();
    assert.doesNotMatch(bob.page.url(), /join_call/);
    await bob.leave();
  });

  step('the keyboard', async () => {
    await bob.page.locator('#post_textbox').focus();
    await bob.page.keyboard.press('Control+Alt+KeyS');
    await bob.connected();
    await bob.page.keyboard.press('Control+Shift+Space');
    await alice.sees(bob, { unmuted: true });
    await bob.page.keyboard.press('Control+Shift+KeyY');
    await until('the hand is up', async () => /hand raised, place 1/.test((await alice.sees(bob)).text));
    await bob.page.keyboard.press('Control+Shift+KeyL');
    await bob.widget.waitFor({ state: 'detached' });
  });

  step('the last one ends it, and the post says so', async () => {
    await alice.leave();
    await until('the call is over', async () => (await callOf('alice', 'public')) === undefined);
    await until('the header is as before', async () => (await bob.kind()) === 'start');
    await until('the post says so', async () => (await bob.page.locator('[data-testid=call-post][data-running=true]').count()) === 0);
    alice.noErrors();
    bob.noErrors();
  });
});

describe('three people', { timeout: 240_000 }, () => {
  const step = story(() => people);
  let people;

  before(async () => {
    people = await Promise.all(['alice', 'bob', 'carol'].map((name) => Member.arrive(browser, name)));
    await Promise.all(people.map((p) => p.open('public')));
    for (const person of people) {
      await person.join();
    }
  });

  after(async () => {
    await Promise.all(people.map((p) => p.close()));
  });

  step('hear one another', async () => {
    for (const person of people) {
      await person.unmute();
    }
    await Promise.all(people.map((p) => p.hears(2)));
  });

  step('see who talks, and only that one, whoever it is', async () => {
    const [alice, bob, carol] = people;
    await Promise.all([alice.mute(), bob.mute()]);
    await alice.sees(carol, { talking: true }, 20_000);
    await alice.sees(bob, { talking: false });
    assert.match(await bob.page.getByTestId('talker').textContent(), /Carol.*Talking/);
    await bob.unmute();
    await carol.mute();
    await alice.sees(bob, { talking: true }, 20_000);
    await alice.sees(carol, { talking: false, unmuted: false });
    await until('the widget follows', async () => /Bob/.test(await carol.page.getByTestId('talker').textContent()));
    await bob.mute();
    await alice.sees(bob, { unmuted: false });
    await Promise.all(people.map((p) => p.receivesNothing('audio')));
  });

  step('raise hands in one order for all, and react', async () => {
    const [alice, bob, carol] = people;
    await carol.raiseHand();
    await until('first', async () => /place 1/.test((await alice.sees(carol)).text));
    await bob.raiseHand();
    await until('second', async () => /place 2/.test((await alice.sees(bob)).text) && /place 1/.test((await bob.sees(carol)).text));
    await bob.react('clap');
    await until('the reaction is seen', async () => /👏\s*Bob/.test(await alice.page.getByTestId('reactions').first().textContent()));
    await until('and goes', async () => !/👏/.test(await alice.page.getByTestId('reactions').first().textContent()));
  });

  step('one is the host, and can mute, lower, and hand over', async () => {
    const [alice, bob, carol] = people;
    await bob.unmute();
    await alice.asHost(bob, 'Mute');
    await bob.sees(bob, { unmuted: false });
    assert.match(await bob.page.getByTestId('host-notice').textContent(), /muted you/);
    await alice.asHost(carol, 'Lower hand');
    await until('the hand is down', async () => !/hand raised/.test((await bob.sees(carol)).text));
    await alice.asHost(bob, 'Make host');
    await until('bob is host', async () => /Host/.test((await carol.sees(bob)).text));
    assert.doesNotMatch((await carol.sees(alice)).text, /Host/);
    await bob.asHost(alice, 'Make host');
    await until('alice is host again', async () => /Host/.test((await carol.sees(alice)).text));
  });

  step('see a shared screen move, at its size, and a second sharer is told who shares', async () => {
    const [alice, bob, carol] = people;
    await bob.toggleScreen();
    await until('bob shares', async () => (await bob.page.locator('#calls-widget-menu-screenshare').getAttribute('aria-pressed')) === 'true');
    await until('it reaches carol', async () => (await carol.received('video')).framesDecoded > 0);
    const button = carol.page.locator('#calls-widget-menu-screenshare');
    await until('carol cannot', async () => (await button.getAttribute('aria-disabled')) === 'true');
    await button.press('Enter'); // a click waits until a button is enabled, and this one only says why not
    assert.match(await carol.page.getByTestId('problem').textContent(), /Bob Example is already sharing/);
    const large = await alice.expand();
    await large.watches(fakeScreen, 5);
    await large.page.keyboard.press('1');
    await until('real size', async () => (await large.page.getByTestId('zoom').textContent()) === '100 %');
    await large.page.keyboard.press('+');
    await until('larger', async () => (await large.page.getByTestId('zoom').textContent()) === '125 %');
    await large.page.close();
    assert.equal(await alice.widget.count(), 1, 'closing the pop-out does not end the call');
    await alice.asHost(bob, 'Stop the screen share');
    await until('the share ends', async () => (await bob.page.locator('#calls-widget-menu-screenshare').getAttribute('aria-pressed')) === 'false');
  });

  step('stay in it when they go to another channel or product', async () => {
    const [alice, bob] = people;
    await alice.closePanel();
    await alice.goTo('private');
    await until('another channel', async () => (await alice.kind()) === 'start');
    await alice.page.getByText('Another product').click();
    await alice.page.getByRole('heading', { name: 'Another product' }).waitFor();
    await alice.connected();
    await bob.sees(alice);
    await alice.widget.getByRole('button', { name: 'Public room' }).click();
    await until('back', async () => (await alice.kind()) === 'in');
  });

  step('see that one removed by the host is gone, with the reason', async () => {
    const [alice, bob, carol] = people;
    await alice.asHost(carol, 'Remove from the call');
    await until('carol is told', async () => (await carol.page.getByTestId('ended').getAttribute('data-reason', { timeout: 5000 })) === 'kicked', 15_000);
    await bob.seesOnly(alice, bob);
  });

  step('the host ends it for all', async () => {
    const [alice, bob] = people;
    await alice.page.locator('#calls-widget-leave-button').click();
    await alice.page.locator('#calls-end-call-modal').getByTestId('end-for-all').click();
    await until('bob is told', async () => (await bob.page.getByTestId('ended').getAttribute('data-reason', { timeout: 5000 })) === 'call_ended');
    await until('the call is over', async () => (await callOf('alice', 'public')) === undefined);
    people.forEach((p) => p.noErrors());
  });
});

describe('where calls are not, or another is', { timeout: 120_000 }, () => {
  it('a channel in which calls are switched off says so, and an admin can switch them on', async () => {
    const channel = await makeChannel('Silent', ['alice']);
    await admin('POST', `/plugins/com.mattermost.calls/${channel.id}`, { enabled: false });
    const alice = await Member.arrive(browser, 'alice');
    await alice.open(channel.id);
    await until('the header says so', async () => (await alice.kind()) === 'off');
    await alice.header.click();
    assert.match(await alice.page.getByTestId('calls-sentence').textContent(), /switched off/);
    const sysadmin = await Member.arrive(browser, 'sysadmin');
    await sysadmin.open(channel.id);
    await sysadmin.page.locator('#channelHeaderDropdownButton').click();
    await sysadmin.page.getByText('Enable calls').click();
    await until('alice can call', async () => (await alice.kind()) === 'start');
    await sysadmin.page.locator('#channelHeaderDropdownButton').click();
    await sysadmin.page.getByText('Disable calls').click();
    await until('and cannot', async () => (await alice.kind()) === 'off');
    await Promise.all([alice.close(), sysadmin.close()]);
  });

  it('an archived channel has no button', async () => {
    const channel = await makeChannel('Old', ['alice']);
    await admin('DELETE', `/api/v4/channels/${channel.id}`);
    const alice = await Member.arrive(browser, 'alice');
    await alice.open(channel.id);
    await alice.page.getByText('This channel is archived.').waitFor();
    assert.equal(await alice.header.count(), 0);
    await alice.close();
  });

  it('who is in another call is asked first', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('public');
    await alice.join();
    await alice.open(host.channels.private.id).catch(() => undefined);
    // Loading the page anew ended the call: that is what a reload does.
    await until('the call is over', async () => (await callOf('alice', 'public')) === undefined, 20_000);
    await alice.join();
    await alice.goTo('public');
    await until('another channel', async () => (await alice.kind()) === 'start');
    await alice.header.click();
    const dialog = alice.page.locator('#calls-switch-call-modal');
    assert.match(await dialog.textContent(), /Private room.*Public room/);
    await alice.accessible('the switch dialog');
    await alice.page.keyboard.press('Escape');
    assert.equal(await dialog.count(), 0);
    await alice.header.click();
    // A click on another call's button while the switch is under way is a question again, and no second switch.
    await alice.page.evaluate((channelID) => {
      document.querySelector('[data-testid=switch-go]').click();
      window.postMessage({ type: 'connectCall', channelID }, window.location.origin);
    }, host.channels.private.id);
    await until('asked once more', async () => /Public room.*Private room/.test(await dialog.textContent({ timeout: 5000 }).catch(() => '')));
    await alice.page.keyboard.press('Escape');
    await until('in the other', async () => (await alice.kind()) === 'in');
    await alice.connected();
    await until('the first is over', async () => (await callOf('alice', 'private')) === undefined);
    await alice.leave();
    alice.noErrors();
    await alice.close();
  });
});

describe('how long it takes', { timeout: 120_000 }, () => {
  const tries = 5;

  it('from the click to connected, and from unmuting to the first sound', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('public'), bob.open('public')]);
    await bob.join();
    const connected = [];
    const heard = [];
    for (let i = 0; i < tries; i++) {
      // Measured in the page itself: what the test's own way to the browser takes is none of the client's time.
      connected.push(await alice.page.evaluate(() => new Promise((resolve) => {
        const begin = performance.now();
        document.getElementById('calls-join-button').click();
        const look = () => (document.querySelector('#calls-widget [data-phase=connected]') ? resolve(performance.now() - begin) : setTimeout(look, 5));
        look();
      })));
      await alice.sees(bob);
      const before = (await bob.received('audio')).packetsReceived;
      const waits = bob.page.evaluate((packets) => new Promise((resolve) => {
        const look = async () => {
          let now = 0;
          for (const s of (await window.callsClient.getStats()).values()) {
            now += s.type === 'inbound-rtp' && s.kind === 'audio' ? s.packetsReceived : 0;
          }
          return now > packets ? resolve(Date.now()) : setTimeout(look, 10);
        };
        look();
      }), before);
      const begin = await alice.page.evaluate(() => {
        document.getElementById('voice-mute-unmute').click();
        return Date.now();
      });
      heard.push((await waits) - begin);
      await alice.leave();
      await until('bob is alone', async () => (await bob.people()).length === 1);
    }
    const median = (list) => Math.round([...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]);
    console.log(`click to connected: ${median(connected)} ms; unmute to first sound: ${median(heard)} ms (medians of ${tries}, two people on this machine)`);
    // Bounds that only a fault breaks; the numbers are for people to read.
    assert.ok(median(connected) < 3000 && median(heard) < 2000, JSON.stringify({ connected, heard }));
    await Promise.all([alice.close(), bob.close()]);
  });
});
