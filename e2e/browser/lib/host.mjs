// The running host, as the runner describes it in the file that CALLS_HOST_JSON names.
import { readFileSync } from 'node:fs';

const file = process.env.CALLS_HOST_JSON;
if (!file) {
  throw new Error('CALLS_HOST_JSON is not set. `make e2e` starts a host and sets it; for one that `make run` started it is .run/host.json.');
}

/** @type {{url: string, log: string, users: Record<string, {id: string, username: string, password: string}>, channels: Record<string, {id: string}>}} */
export const host = JSON.parse(readFileSync(file, 'utf8'));

export const pluginURL = `${host.url}/plugins/com.mattermost.calls`;

/** The address of the call page of a channel: 'public', 'private', 'direct' or 'group'. */
export function pageURL(channel) {
  return `${pluginURL}/public/call.html?channel=${host.channels[channel].id}`;
}

const logins = new Map();

/** One login of each seeded user serves a whole test file: hashing passwords is what a server is slow at. */
function loginOf(user) {
  if (!logins.has(user)) {
    logins.set(user, logIn(user));
  }
  return logins.get(user);
}

async function logIn(user) {
  const { username, password } = host.users[user];
  // Without this header the server gives a token, but no cookies.
  const response = await fetch(`${host.url}/api/v4/users/login`, { method: 'POST', headers: { 'X-Requested-With': 'XMLHttpRequest' }, body: JSON.stringify({ login_id: username, password }) });
  if (!response.ok) {
    throw new Error(`${user} cannot log in: HTTP ${response.status} ${await response.text()}`);
  }
  const cookies = response.headers.getSetCookie().map((line) => {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    return { name: pair.slice(0, at), value: pair.slice(at + 1), url: host.url, httpOnly: attributes.some((a) => a.toLowerCase() === 'httponly') };
  });
  return { token: response.headers.get('Token'), cookies };
}

/** The cookies of somebody who is signed in. */
export async function cookiesOf(user) {
  return (await loginOf(user)).cookies;
}

/** What stands for the same login in requests of our own. */
export async function tokenOf(user) {
  return (await loginOf(user)).token;
}

/** Asks the plugin as this user for the call that is on in a channel; undefined when there is none. */
export async function callOf(user, channel) {
  const response = await fetch(`${pluginURL}/${host.channels[channel].id}`, { headers: { Authorization: `Bearer ${await tokenOf(user)}` } });
  if (!response.ok) {
    throw new Error(`GET /${host.channels[channel].id}: HTTP ${response.status} ${await response.text()}`);
  }
  return (await response.json()).call;
}
