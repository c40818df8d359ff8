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

/** Asks the plugin as this user for the call that is on in a channel; undefined when there is none. */
export async function callOf(user, channel) {
  const login = await fetch(`${host.url}/api/v4/users/login`, { method: 'POST', body: JSON.stringify({ login_id: host.users[user].username, password: host.users[user].password }) });
  const response = await fetch(`${pluginURL}/${host.channels[channel].id}`, { headers: { Authorization: `Bearer ${login.headers.get('Token')}` } });
  if (!response.ok) {
    throw new Error(`GET /${host.channels[channel].id}: HTTP ${response.status} ${await response.text()}`);
  }
  return (await response.json()).call;
}
