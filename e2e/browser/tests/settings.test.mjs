// What a system admin sees of settings that are not in force: in the System Console, and on the plugin's own page.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { configure } from '../lib/admin.mjs';
import { launch } from '../lib/browser.mjs';
import { host, pluginURL } from '../lib/host.mjs';
import { until } from '../lib/until.mjs';

const wrong = 'MaxCallParticipants = lots: must be a whole number between 0 and 10000';

describe('a wrong setting', { timeout: 90_000 }, () => {
  let browser;
  let context;
  before(async () => {
    browser = await launch();
    context = await browser.newContext({ locale: 'en-US' });
    const { username, password } = host.users.sysadmin;
    const login = await context.request.post(`${host.url}/api/v4/users/login`, { headers: { 'X-Requested-With': 'XMLHttpRequest' }, data: { login_id: username, password } });
    assert.ok(login.ok(), `the admin cannot log in: ${login.status()}`);
    await configure({ maxcallparticipants: 'lots' });
  });
  after(async () => {
    await configure({ maxcallparticipants: 0 });
    await browser?.close();
  });

  const shows = async (address, place) => {
    const page = await context.newPage();
    await page.goto(address);
    await until('it is told', async () => ((await place(page).innerText().catch(() => '')).includes(wrong) ? true : 'not: it is not'), 20_000);
    return page;
  };

  it('is told in the System Console and on the page of live actors, until it is right', async () => {
    const console = await shows(`${host.url}/admin_console/plugins/plugin_com.mattermost.calls`, (page) => page.getByTestId('calls-settings-state'));
    const own = await shows(`${pluginURL}/admin/`, (page) => page.locator('#settings'));
    await configure({ maxcallparticipants: 0 });
    await until('nothing is told of it any more', async () => {
      const [a, b] = [await console.getByTestId('calls-settings-state').innerText(), await own.locator('#settings').innerText().catch(() => '')];
      return !`${a}${b}`.includes('MaxCallParticipants') || 'not: it still is';
    }, 20_000);
  });
});
