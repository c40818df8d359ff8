// The check of microphone and speaker in the host, before the call and in it.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Member } from '../lib/member.mjs';
import { until } from '../lib/until.mjs';

describe('the check in the host', { timeout: 90_000 }, () => {
  let browser;
  let alice;

  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
  });

  async function openCheck() {
    await alice.page.locator('#channelHeaderDropdownButton').click();
    await alice.page.getByRole('button', { name: 'Check microphone and speaker' }).click();
    await alice.page.locator('#calls-check').waitFor();
  }

  it('is offered in the first call, in nobody\'s way, and no more once that was waved away', async () => {
    const { page } = alice;
    const offer = page.getByTestId('check-notice');
    await alice.join();
    await offer.waitFor();
    await alice.accessible('the offer');
    await page.getByTestId('check-notice-go').click();
    await page.locator('#calls-devices').getByTestId('level').waitFor();
    await offer.waitFor({ state: 'detached' });
    await alice.leave();
    await page.evaluate(() => localStorage.removeItem('calls_settings'));
    await alice.open('private');
    await alice.join();
    await page.getByTestId('check-notice-away').click();
    await offer.waitFor({ state: 'detached' });
    await alice.leave();
    await alice.open('private');
    await alice.join();
    await page.locator('#calls-widget [data-testid=connection][data-phase=connected]').waitFor();
    assert.equal(await offer.count(), 0);
    await alice.leave();
  });

  it('shows the level, plays back what it recorded, and leads into the call', async () => {
    await openCheck();
    const level = alice.page.locator('#calls-check').getByTestId('level');
    await until('the meter moves', async () => Number(await level.getAttribute('data-level')) > 0);
    await alice.accessible('the check');
    await alice.screenshot('check-in-host');
    await alice.page.getByTestId('check-record').click();
    await until('it can be played', async () => alice.page.getByTestId('check-play').isEnabled());
    await alice.page.getByTestId('check-play').click();
    await until('it plays', async () => alice.page.locator('#calls-check audio').evaluate((audio) => audio.currentTime > 0));
    await alice.page.getByTestId('check-join').click();
    await alice.connected();
    assert.equal(await alice.page.locator('#calls-check').count(), 0);
    await alice.leave();
  });

  it('can be left without a call, and with one that is only heard', async () => {
    await openCheck();
    await alice.page.keyboard.press('Escape');
    assert.equal(await alice.page.locator('#calls-check').count(), 0);
    assert.equal(await alice.kind(), 'start');
    await openCheck();
    await alice.page.getByTestId('check-listen').click();
    await alice.connected();
    assert.match(await alice.page.getByTestId('microphone-notice').textContent(), /nobody hears you/);
    await alice.leave();
    alice.noErrors();
  });
});
