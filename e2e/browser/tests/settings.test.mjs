// What a system admin sees of settings that are not in force: in the System Console, and on the plugin's own page.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { configure } from '../lib/admin.mjs';
import { withBrowser } from '../lib/browser.mjs';
import { host, pluginURL } from '../lib/host.mjs';
import { until } from '../lib/until.mjs';

const wrong = 'MaxCallParticipants = lots: must be a whole number between 0 and 10000';

describe('a wrong setting', { timeout: 90_000 }, () => {
  let browser;
  let context;
  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    context = await browser.newContext({ locale: 'en-US' });
    const { username, password } = host.users.sysadmin;
    const login = await context.request.post(`${host.url}/api/v4/users/login`, { headers: { 'X-Requested-With': 'XMLHttpRequest' }, data: { login_id: username, password } });
    assert.ok(login.ok(), `the admin cannot log in: ${login.status()}`);
    await configure({ maxcallparticipants: 'lots' });
  });
  after(async () => {
    await configure({ maxcallparticipants: 0 });
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

// One URL that a browser does not understand keeps it from every call: it throws before it has asked anybody anything.
describe('ICE servers as admins type them', { timeout: 90_000 }, () => {
  let browser;
  let page;
  withBrowser((b) => {
    browser = b;
  });

  before(async () => {
    page = await (await browser.newContext()).newPage();
    const { username, password } = host.users.alice;
    const login = await page.context().request.post(`${host.url}/api/v4/users/login`, { headers: { 'X-Requested-With': 'XMLHttpRequest' }, data: { login_id: username, password } });
    assert.ok(login.ok(), `alice cannot log in: ${login.status()}`);
    await page.goto(`${host.url}/plugins/com.mattermost.calls/public/call.html?channel=${host.channels.public.id}`);
  });
  after(async () => {
    await configure({ iceserversconfigs: '[]', iceservers: '', turnstaticauthsecret: '' });
  });

  const forms = {
    'bare URLs': [{ iceserversconfigs: 'stun:a.invalid, STUN://b.invalid:19302\nturn:c.invalid' }, 2],
    'one entry, by another name': [{ iceserversconfigs: '{"url":"stuns:a.invalid:5349"}' }, 1],
    'credentials of all kinds': [{
      iceserversconfigs: JSON.stringify([
        { urls: ['turn:a.invalid', 'turn:a.invalid:443?transport=TCP', 'turns:a.invalid:5349?transport=tcp'], username: 'u', credentials: 'c' },
        { urls: 'turn:b.invalid', username: 12, credential: 34 }, { urls: ['turn:c.invalid'] }, { urls: ['turn:d.invalid'], username: 'half' }, { urls: ['stun:[2001:db8::1]:3478'] },
      ]), turnstaticauthsecret: 'hush',
    }, 5],
    'the setting of old': [{ iceserversconfigs: '[]', iceservers: 'stun:old.invalid,turn:old.invalid', turnstaticauthsecret: '' }, 1],
  };
  for (const [name, [settings, count]] of Object.entries(forms)) {
    it(name, async () => {
      await configure(settings);
      await until('a browser takes them', async () => {
        const made = await page.evaluate(async () => {
          const ask = async (path) => (await fetch(`/plugins/com.mattermost.calls/${path}`)).json();
          const config = await ask('config');
          const servers = [...config.ICEServersConfigs, ...(config.NeedsTURNCredentials ? await ask('turn-credentials') : [])];
          if (config.ICEServers !== null) {
            servers.push({ urls: config.ICEServers }); // as the oldest clients do
          }
          try {
            new RTCPeerConnection({ iceServers: servers }).close();
          } catch (error) {
            return `not: ${error.message} ${JSON.stringify(servers)}`;
          }
          return servers.length - (config.ICEServers === null ? 0 : 1);
        });
        return made === count || (typeof made === 'string' ? made : `not: ${made} servers`);
      });
    });
  }
});
