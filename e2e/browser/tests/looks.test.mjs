// What can be seen and used by everybody: axe's rules in all main states, 320 pixels, dark and light, right to left, and whichever React the host has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { axe } from '../lib/axe.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { pageURL } from '../lib/host.mjs';
import { Member } from '../lib/member.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

let browser;

withBrowser((b) => {
  browser = b;
}, { each: true });

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
    const small = await alice.widget.locator('button').evaluateAll((buttons) =>
      buttons.filter((b) => b.offsetParent).map((b) => [b.id || b.textContent, b.getBoundingClientRect()]).filter(([, r]) => r.width < 24 || r.height < 24).map(([name]) => name));
    assert.deepEqual(small, [], 'targets under 24 pixels');
    // It lies below the host's page, which has as much less room: nothing of that is covered, in whichever state the widget is.
    const covers = async () => (await alice.page.locator('#post_textbox').boundingBox()).y + (await alice.page.locator('#post_textbox').boundingBox()).height > (await alice.widget.boundingBox()).y;
    assert.equal(await covers(), false, 'with an offer');
    await alice.page.getByTestId('check-notice-away').click();
    await until('it is lower', async () => (await alice.widget.boundingBox()).height < 120);
    assert.equal(await covers(), false, 'without one');
    await alice.page.locator('#calls-widget-toggle-menu-button').click();
    await alice.accessible('the menu at 320 pixels');
    await alice.page.locator('#calls-widget-menu-screenshare').click();
    await until('she shares', async () => alice.page.evaluate(() => window.callsStore.view.sharing));
    assert.equal(await covers(), false, 'while sharing');
    await alice.accessible('the widget at 320 pixels');
    await alice.screenshot('widget-narrow');
    await alice.leave();
    assert.equal(await alice.page.locator('#root').evaluate((root) => Math.round(root.getBoundingClientRect().bottom)), 640, 'the host has its room back');
    await alice.close();
  });

  it('says the gravest thing first, and how many wait behind it', async () => {
    const alice = await Member.arrive(browser, 'alice');
    await alice.open('private');
    await alice.join();
    const { page } = alice;
    await alice.toggleScreen();
    await page.getByTestId('sharing-notice').waitFor();
    await page.evaluate(() => window.callsStore.dropMicrophone());
    await page.evaluate(() => window.callsStore.fail(new Error('a test')));
    const notices = async (from) => from.locator('.cl-notice').evaluateAll((all) => all.map((n) => n.dataset.testid));
    await until('the problem is first', async () => (await notices(alice.widget)).join() === 'problem');
    const more = alice.widget.getByTestId('more-notices');
    assert.match(await more.textContent(), /\+2/);
    await more.click();
    assert.deepEqual(await notices(alice.widget), ['problem', 'sharing-notice', 'microphone-notice']);
    await alice.accessible('all notices');
    const large = await alice.expand();
    await until('two are seen', async () => (await notices(large.page.locator('#calls-expanded-view'))).join() === 'problem,sharing-notice');
    await large.page.getByTestId('problem-away').click();
    await until('the next one is', async () => (await notices(large.page.locator('#calls-expanded-view'))).join() === 'sharing-notice,microphone-notice');
    assert.equal(await large.page.getByTestId('more-notices').count(), 0);
    await alice.leave();
    alice.noErrors();
  });

  it('is as dark as the host', async () => {
    const alice = await Member.arrive(browser, 'alice', { colorScheme: 'light' });
    await alice.open('private');
    await alice.join();
    const shades = () => alice.widget.evaluate((widget) => [getComputedStyle(widget).backgroundColor, getComputedStyle(widget).color].map((color) => {
      const [r, g, b] = color.match(/[\d.]+/g).map(Number);
      return Math.round((0.2126 * r + 0.7152 * g + 0.0722 * b) / 2.55);
    }));
    const [[lightBack, lightText]] = [await shades()];
    assert.ok(lightBack > 80 && lightText < 40, `light: ${lightBack} behind ${lightText}`);
    await alice.page.getByTestId('theme').selectOption('onyx');
    await until('it follows', async () => {
      const [back, text] = await shades();
      return (back < 25 && text > 70) || `not: ${back} behind ${text}`;
    });
    await alice.leave();
    alice.noErrors();
  });

  it('is mirrored where one reads from right to left', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await alice.page.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    await bob.join();
    await alice.join();
    await bob.raiseHand();
    const { page } = alice;
    const boxes = async (...selectors) => Promise.all(selectors.map((s) => page.locator(s).boundingBox()));
    const [widget, mute, leave] = await boxes('#calls-widget', '#voice-mute-unmute', '#calls-widget-leave-button');
    assert.ok(widget.x + widget.width > 1200, `it lies at the right: ${JSON.stringify(widget)}`);
    assert.ok(mute.x > leave.x, 'its row begins at the right');
    await page.locator('#voice-mute-unmute').focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'raise-hand', 'the arrow that points there goes there');
    await alice.people();
    await page.getByRole('button', { name: /^More about Bob/ }).click();
    await alice.accessible('the list of people, from right to left');
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), 0);
    await alice.screenshot('widget-rtl');
    await Promise.all([alice.leave(), bob.leave()]);
    alice.noErrors();
  });

  it('breaks no rule in its questions, its errors and its end', async () => {
    const [alice, bob] = await Promise.all([Member.arrive(browser, 'alice'), Member.arrive(browser, 'bob')]);
    await Promise.all([alice.open('private'), bob.open('private')]);
    await bob.join();
    await alice.join();
    await bob.page.locator('#calls-widget-leave-button').click();
    await bob.page.getByTestId('leave-only').waitFor();
    await bob.accessible('the question how to leave');
    await bob.page.keyboard.press('Escape');
    await bob.toggleScreen();
    const share = alice.page.locator('#calls-widget-menu-screenshare');
    await until('alice cannot share', async () => (await share.getAttribute('aria-disabled')) === 'true');
    await share.press('Enter');
    await alice.page.getByTestId('problem').waitFor();
    await alice.accessible('a problem');
    await bob.accessible('while sharing');
    const large = await alice.expand();
    assert.deepEqual(await axe(large.page), [], 'the large view in a window of its own');
    await large.page.close();
    await alice.menu('react');
    await alice.accessible('choosing a reaction');
    await bob.asHost(alice, 'Remove from the call');
    await alice.page.getByTestId('ended').waitFor();
    await alice.accessible('the end');
    [alice, bob].forEach((p) => p.noErrors());
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
      const [alice, bob] = await Promise.all([Person.arrive(browser, 'alice', { colorScheme, signedIn: false }), Person.arrive(browser, 'bob')]);
      const clean = async (what) => assert.deepEqual(await axe(alice.page), [], what);
      await alice.page.goto(pageURL('group'));
      await alice.page.getByTestId('login-id').waitFor();
      await clean('signing in');
      await Promise.all([alice.open('group'), bob.open('group')]);
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

  it('is mirrored where one reads from right to left, also at 320 pixels', async () => {
    const alice = await Person.arrive(browser, 'alice', { viewport: { width: 320, height: 640 } });
    await alice.open('group');
    await alice.page.evaluate(() => {
      document.documentElement.dir = 'rtl';
    });
    const overflow = () => alice.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.equal(await overflow(), 0, 'the lobby is too wide');
    await alice.join();
    assert.equal(await overflow(), 0, 'the call is too wide');
    const [mute, leave] = await Promise.all(['voice-mute-unmute', 'calls-widget-leave-button'].map((id) => alice.page.getByTestId(id).boundingBox()));
    assert.ok(mute.x > leave.x, 'the row of buttons begins at the right');
    assert.deepEqual(await axe(alice.page), []);
    await alice.screenshot('narrow-rtl');
    alice.noErrors();
  });

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
