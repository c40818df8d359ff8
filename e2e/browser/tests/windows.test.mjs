// One call and several windows of one person: it is moved from tab to tab, goes on in the pop-out, and has an address of its own.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { callOf, host, pageURL } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

afterEach(async () => {
  // Who asks too often is refused for a moment.
  await until('the call is over', () => callOf('alice', 'private').then((call) => call === undefined, () => false), 30_000);
});

/** Another window of the same person: same cookies, same storage. */
async function secondWindow(member) {
  const page = await member.window.newPage();
  return new member.constructor(member.name, member.window, page);
}

describe('a call', { timeout: 120_000 }, () => {
  it('is moved from one tab to another, as it was, and never ends', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await bob.join();
    await alice.join();
    await alice.unmute();
    const before = await callOf('bob', 'private');
    const other = await secondWindow(alice);
    await other.open('private');
    await until('the other window knows', async () => (await other.kind()) === 'move');
    assert.match(await other.page.locator('#calls-channel-toast').textContent(), /in another window/);
    await other.screenshot('move');
    await other.header.click();
    await other.connected();
    await alice.widget.waitFor({ state: 'detached' });
    await until('the first window offers to take it back', async () => (await alice.kind()) === 'move');
    await until('bob sees alice once, and unmuted', async () => {
      const rows = (await bob.people()).filter((p) => p.name === 'alice');
      return (rows.length === 1 && rows[0].unmuted) || `not: ${JSON.stringify(rows)}`;
    });
    await until('and hears her', async () => (await bob.received('audio')).totalAudioEnergy > 0);
    assert.equal((await callOf('bob', 'private')).id, before.id, 'it is the same call');
    other.noErrors();
  });

  it('is moved to the call page and back', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
    await alice.join();
    const page = new Person('alice', alice.window, await alice.window.newPage());
    await page.page.goto(pageURL('private'));
    await page.page.getByTestId('lobby-move').waitFor();
    await page.page.getByTestId('calls-join-button').click();
    await page.connected();
    await alice.widget.waitFor({ state: 'detached' });
    await until('the tab offers to take it back', async () => (await alice.kind()) === 'move');
    await alice.header.click();
    await alice.connected();
    await page.page.getByTestId('ended').waitFor();
  });

  it('goes on in the pop-out when the window that opened it goes', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await bob.join();
    await alice.join();
    await alice.unmute();
    const before = await callOf('bob', 'private');
    const large = await alice.expand();
    const { page } = large;
    assert.match(page.url(), new RegExp(`/calls/com\\.mattermost\\.calls/expanded/${host.channels.private.id}$`), 'the address that other clients have, too');
    assert.equal(await page.evaluate(() => window.name), 'ExpandedView');
    await alice.page.close({ runBeforeUnload: true });
    await until('the pop-out has a connection of its own', async () => page.evaluate(() => window.callsClient?.status.phase === 'connected'), 20_000);
    await bob.sees(large, { unmuted: true }, 20_000);
    await until('bob sees alice once', async () => (await bob.people()).filter((p) => p.name === 'alice').length === 1, 30_000);
    assert.equal((await callOf('bob', 'private')).id, before.id, 'it is the same call');
    await page.getByTestId('calls-widget-leave-button').click();
    await page.getByTestId('expanded-join').waitFor();
    await bob.seesOnly(bob);
  });

  it('shared from the pop-out is shared for as long as that is open, and is left with it', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await Promise.all([alice.page.getByTestId('join-note').getByText('Joined: Bob Example').waitFor(), bob.join()]);
    const large = await alice.expand();
    await large.toggleScreen();
    const theirs = await bob.expand();
    await until('bob sees it', async () => (await theirs.screen())?.frames > 10, 30_000); // its size is that of the pop-out
    await large.page.close({ runBeforeUnload: true });
    await until('the share is over', async () => (await theirs.screen()) === null, 15_000);
    assert.equal(await alice.widget.count(), 1, 'and the call is not');
    const again = await alice.expand();
    const gone = again.page.waitForEvent('close');
    await alice.leave();
    await gone;
    await theirs.page.close();
    await bob.leave();
    alice.noErrors();
    bob.noErrors();
  });

  it('with a shared screen is moved only when one knows that the share ends', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.join();
    await bob.join();
    await alice.toggleScreen();
    const other = await secondWindow(alice);
    await other.open('private');
    await other.page.locator('#calls-channel-toast').getByText(/You share your screen in this call/).waitFor();
    const dialog = other.page.locator('#calls-move-call-modal');
    await other.header.click();
    await dialog.waitFor();
    await other.accessible('the question');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await alice.page.evaluate(() => window.callsStore.view.sharing), true);
    await other.header.click();
    await dialog.getByTestId('move-go').click();
    await other.connected();
    await alice.widget.waitFor({ state: 'detached' });
    await until('nobody shares', async () => (await callOf('bob', 'private')).screen_sharing_session_id === '' || 'not: somebody still does');
    other.noErrors();
  });

  it('has an address: large where one is in it, and a way in where one is not', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
    await alice.page.goto(`${host.url}/calls/com.mattermost.calls/expanded/${host.channels.private.id}`);
    await alice.page.getByTestId('expanded-join').waitFor();
    await alice.accessible('the way in');
    await alice.page.getByTestId('expanded-join').click();
    await alice.page.getByTestId('calls-expanded-view').waitFor();
    await until('connected', async () => (await alice.page.locator('#calls-expanded-view [data-testid=connection]').getAttribute('data-phase')) === 'connected', 20_000);
    for (const layout of ['speaker', 'grid']) {
      await alice.page.getByTestId(`layout-${layout}`).click();
      assert.equal(await alice.page.getByTestId(`layout-${layout}`).getAttribute('aria-pressed'), 'true');
    }
    await alice.page.locator('#calls-thread-button').click();
    await alice.page.locator('#calls-thread').waitFor();
    await alice.screenshot('expanded-route');
    await alice.page.getByTestId('calls-collapse-button').click();
    await alice.widget.waitFor();
    await until('back in the channel', async () => alice.page.url().includes('/channels/'));
    await alice.leave();
    alice.noErrors();
    // And one at which the call page joins without being asked.
    const page = new Person('alice', alice.window, alice.page);
    await page.page.goto(`${pageURL('private')}&join_call=true`);
    await page.connected();
    await page.leave();
  });
});
