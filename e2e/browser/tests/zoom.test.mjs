// Reading a shared screen: zoom by buttons, keys, double click, trackpad and two fingers; moving it; the overview; and at 320 pixels.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { withBrowser } from '../lib/browser.mjs';
import { Person } from '../lib/person.mjs';
import { until } from '../lib/until.mjs';

describe('a shared screen', { timeout: 120_000 }, () => {
  let browser;
  let alice;
  let bob;

  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    [alice, bob] = await Promise.all([Person.arrive(browser, 'alice'), Person.arrive(browser, 'bob')]);
    await Promise.all([alice.open('group'), bob.open('group')]);
    await bob.join();
    await alice.join();
    await bob.toggleScreen();
    await until('alice sees all of the screen', async () => (await alice.screen())?.width === 1280, 30_000);
  });

  const percent = async () => Number.parseInt(await alice.page.getByTestId('zoom').textContent(), 10);
  const frame = () => alice.page.getByTestId('picture');
  const place = () => frame().evaluate((box) => [Math.round(box.scrollLeft), Math.round(box.scrollTop)]);
  const overview = () => alice.page.getByTestId('overview');

  it('is zoomed around its middle, moved by the mouse, and seen whole in the overview', async () => {
    const fitted = await percent();
    assert.ok(fitted > 50 && fitted < 100, `it fits at ${fitted} %`);
    assert.equal(await overview().count(), 0, 'a picture that is seen whole needs no overview');
    await alice.page.getByTestId('zoom-real').click();
    await until('real size', async () => (await percent()) === 100);
    const room = await frame().evaluate((box) => [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight]);
    const [left, top] = await place();
    assert.ok(Math.abs(left - room[0] / 2) <= 2 && Math.abs(top - room[1] / 2) <= 2, `the middle stays: ${[left, top]} of ${room}`);
    await until('the overview is there', async () => (await overview().getAttribute('data-shown')) === 'true');
    await alice.screenshot('zoomed');
    const box = await frame().boundingBox();
    await alice.page.mouse.move(box.x + 300, box.y + 200);
    await alice.page.mouse.down();
    await alice.page.mouse.move(box.x + 340, box.y + 200, { steps: 4 });
    await alice.page.mouse.up();
    await until('it moved with the pointer', async () => (await place())[0] === left - 40 || `not: ${await place()}`);
    await until('the overview goes when nothing moves', async () => (await overview().getAttribute('data-shown')) === 'false');
  });

  it('is zoomed by keys, by a double click, and by a turned wheel with Control', async () => {
    await alice.page.keyboard.press('0');
    await until('fitted', async () => (await alice.page.getByTestId('zoom-fit').getAttribute('aria-pressed')) === 'true');
    await frame().dblclick({ position: { x: 100, y: 100 } });
    await until('real size', async () => (await percent()) === 100);
    const [left, top] = await place();
    assert.ok(left < 60 && top < 60, `what was under the pointer stays there: ${[left, top]}`);
    const box = await frame().boundingBox();
    await alice.page.mouse.move(box.x + 200, box.y + 200);
    await alice.page.keyboard.down('Control');
    await alice.page.mouse.wheel(0, -100);
    await alice.page.keyboard.up('Control');
    await until('larger', async () => (await percent()) > 130);
    assert.equal(await alice.page.evaluate(() => window.visualViewport.scale), 1, 'the page itself is not zoomed');
  });

  it('is zoomed by two fingers', async () => {
    await alice.page.getByTestId('zoom-real').click();
    const before = await percent();
    const box = await frame().boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const touch = await alice.window.newCDPSession(alice.page);
    const fingers = (apart) => [{ x: x - apart, y, id: 1 }, { x: x + apart, y, id: 2 }];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(50) });
    for (const apart of [60, 75, 90, 100]) {
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(apart) });
    }
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await until('twice as large', async () => Math.abs((await percent()) - 2 * before) <= 5 || `not: ${await percent()} % after ${before} %`);
  });

  it('opens large enough to be read at 320 pixels, and everything has room', async () => {
    const carol = await Person.arrive(browser, 'carol', { viewport: { width: 320, height: 640 } });
    await carol.open('group');
    await carol.join();
    await until('carol sees the screen at 75 %', async () => (await carol.page.getByTestId('zoom').textContent()).startsWith('75'), 30_000);
    assert.equal(await carol.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), 0);
    await carol.screenshot('zoomed-narrow');
    await carol.leave();
    alice.noErrors();
  });
});
