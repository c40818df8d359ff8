// What can be seen and used by everybody: axe's rules, keyboard alone, 320 pixels, dark and light, right to left, and whichever React the host has.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { launch } from '../lib/browser.mjs';
import { axe, Member } from '../lib/member.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

// Whoever a failed test left in a call is not to be met by the next one.
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
});

const panels = ['devices', 'thread', 'talked', 'connection', 'keys'];

describe('the widget', { timeout: 180_000 }, () => {
  for (const theme of ['denim', 'onyx']) {
    it(`breaks no rule that axe knows, in ${theme}`, async () => {
      const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
      await Promise.all([alice.open('private'), bob.open('private')]);
      await alice.page.getByTestId('theme').selectOption(theme);
      await bob.join();
      await until('alice can join', async () => (await alice.kind()) === 'join');
      await alice.accessible('header, toast, post and sidebar');
      await alice.join();
      await bob.raiseHand();
      await bob.unmute();
      await alice.sees(bob, { talking: true }, 20_000);
      await alice.page.getByRole('button', { name: /^More about Bob/ }).click();
      await alice.accessible('the list of people');
      await alice.screenshot(`widget-${theme}`);
      await alice.closePanel();
      for (const panel of panels) {
        await alice.menu(panel);
        await alice.accessible(`the panel ${panel}`);
        await alice.page.keyboard.press('Escape');
      }
      await Promise.all([alice.leave(), bob.leave()]);
      alice.noErrors();
      await Promise.all([alice.close(), bob.close()]);
    });
  }

  it('can be used with the keyboard alone', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
    const { page } = alice;
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute('aria-label'));
    await alice.header.focus();
    await page.keyboard.press('Enter');
    await alice.connected();
    await page.locator('#voice-mute-unmute').focus();
    await page.keyboard.press('Enter');
    await until('unmuted', async () => (await page.locator('#voice-mute-unmute').getAttribute('aria-pressed')) === 'true');
    for (const id of ['raise-hand', 'calls-widget-menu-screenshare', 'show-participants-list']) {
      await page.keyboard.press('ArrowRight');
      assert.equal(await focused(), id);
    }
    await page.keyboard.press('Enter');
    await page.getByTestId('participants').waitFor();
    await until('an opened panel takes the focus', async () => (await focused()) === 'Close');
    await page.keyboard.press('Escape');
    await page.getByTestId('participants').waitFor({ state: 'detached' });
    await until('and gives it back', async () => (await focused()) === 'show-participants-list');
    const head = page.locator('.cl-widget-head');
    const before = await head.boundingBox();
    await head.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowUp');
    const moved = await head.boundingBox();
    assert.deepEqual([moved.x - before.x, before.y - moved.y], [16, 16], 'arrows move it');
    await page.locator('#calls-widget-leave-button').focus();
    await page.keyboard.press('Enter');
    await alice.widget.waitFor({ state: 'detached' });
    await alice.close();
  });

  it('fits into 320 pixels, and keeps its targets large', async () => {
    const alice = await Member.arrive(browser, 'alice', { viewport: { width: 320, height: 640 } });
    await alice.open('private');
    await alice.join();
    const overflow = await alice.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.equal(overflow, 0);
    for (const id of ['voice-mute-unmute', 'raise-hand', 'show-participants-list', 'calls-widget-toggle-menu-button', 'calls-widget-leave-button']) {
      const box = await alice.page.locator(`#${id}`).boundingBox();
      assert.ok(box.height >= 44 && box.width >= 32 && box.x >= 0 && box.x + box.width <= 320, `${id}: ${JSON.stringify(box)}`);
    }
    await alice.screenshot('widget-narrow');
    await alice.leave();
    await alice.close();
  });

  it('speaks the language of the person', async () => {
    const alice = await Member.arrive(browser, 'alice', { locale: 'de-DE' });
    await alice.open('private');
    // The host's own setting of a person counts, not the browser's; the call page, which has no host, asks the browser.
    assert.match(await alice.header.textContent(), /Start call|Join call/);
    await alice.close();
    const bob = await Person.arrive(browser, 'bob', { locale: 'de-DE' });
    await bob.open('private');
    assert.match(await bob.page.getByTestId('calls-join-button').textContent(), /Stumm beitreten/);
    assert.equal(await bob.page.evaluate(() => document.documentElement.lang), 'de');
    await bob.close();
  });
});

describe('the host', { timeout: 120_000 }, () => {
  for (const version of ['16', '18']) {
    it(`may have React ${version}`, async () => {
      const alice = await Member.arrive(browser, 'alice');
      await alice.open('private', `?react=${version}`);
      assert.match(await alice.page.evaluate(() => window.React.version), new RegExp(`^${version}\\.`));
      await alice.join();
      await until('the header says so', async () => /In call/.test(await alice.header.textContent()));
      await alice.page.getByText('Another product').click();
      await alice.connected();
      await alice.leave();
      alice.noErrors();
      await alice.close();
    });
  }
});

describe('the call page', { timeout: 120_000 }, () => {
  for (const colorScheme of ['light', 'dark']) {
    it(`breaks no rule that axe knows, ${colorScheme}`, async () => {
      const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice', { colorScheme }), Person.arrive(browser, 'bob')]);
      await alice.page.goto('about:blank');
      await Promise.all([alice.open('group'), bob.open('group')]);
      const clean = async (what) => assert.deepEqual(await axe(alice.page), [], what);
      await clean('the lobby');
      await alice.page.getByTestId('check-open').click();
      await until('the meter moves', async () => Number(await alice.page.getByTestId('level').getAttribute('data-level')) > 0);
      await alice.page.getByTestId('check-record').click();
      await until('it can be played', async () => alice.page.getByTestId('check-play').isEnabled());
      await alice.page.getByTestId('check-play').click();
      await clean('the check');
      await alice.screenshot(`check-${colorScheme}`);
      await bob.join();
      await alice.join();
      await bob.toggleScreen();
      await until('alice sees the screen', async () => (await alice.screen())?.width > 0, 20_000);
      await clean('a shared screen');
      for (const panel of ['people', 'devices', 'talked', 'thread', 'keys']) {
        await alice.page.locator(`#calls-${panel}-button`).click();
        await clean(`the panel ${panel}`);
      }
      await alice.page.locator('#calls-keys-button').click();
      await bob.toggleScreen();
      await until('the grid is back', async () => (await alice.screen()) === null);
      await alice.page.getByTestId('layout-speaker').click();
      await clean('the speaker');
      await Promise.all([alice.leave(), bob.leave()]);
      await clean('the end');
      alice.noErrors();
      await Promise.all([alice.close(), bob.close()]);
    });
  }

  it('says in words how the connection is, and remembers how loud somebody is to be', async () => {
    const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await Promise.all([alice.open('group'), bob.open('group')]);
    await bob.join();
    await alice.join();
    await bob.unmute();
    await alice.page.getByTestId('connection').click();
    const words = alice.page.getByTestId('connection-words');
    await until('it says how', async () => /Connected directly over UDP\. ?.*\d+ ms.*% is lost/.test(await words.textContent()) || `not: ${'' + (await words.textContent())}`);
    await alice.page.locator('#calls-people-button').click();
    await alice.page.getByRole('button', { name: /^More about Bob/ }).click();
    const slider = alice.page.getByTestId('volume');
    await slider.focus();
    await alice.page.keyboard.press('PageDown');
    await until('75 %', async () => (await slider.getAttribute('aria-valuetext')) === '75 %');
    await until('and it is so', async () => (await alice.page.getByTestId('voice').first().evaluate((a) => a.volume)) === 0.75);
    await alice.leave();
    await alice.page.getByTestId('join-again').click();
    await alice.join();
    await until('still', async () => (await alice.page.getByTestId('voice').first().getAttribute('data-volume')) === '75');
    await Promise.all([alice.leave(), bob.leave()]);
    await Promise.all([alice.close(), bob.close()]);
  });
});
