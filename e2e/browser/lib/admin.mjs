// What an admin does to the host by its HTTP API, for tests that need it otherwise than it was seeded.
import { host, tokenOf } from './host.mjs';

export async function admin(method, path, body) {
  const token = await tokenOf('sysadmin');
  const response = await fetch(`${host.url}${path}`, { method, headers: { Authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!response.ok) {
    throw new Error(`${method} ${path}: HTTP ${response.status} ${await response.text()}`);
  }
  return response.json();
}

/** Changes settings of the plugin, as the System Console does: the host takes all of a plugin's together, and forgets what is not named. */
export async function configure(settings) {
  const { PluginSettings } = await admin('GET', '/api/v4/config');
  const now = PluginSettings.Plugins['com.mattermost.calls'];
  return admin('PUT', '/api/v4/config/patch', { PluginSettings: { Plugins: { 'com.mattermost.calls': { ...now, ...settings } } } });
}

/** A new public channel with these people in it. */
export async function makeChannel(name, people) {
  const [team] = await admin('GET', '/api/v4/teams');
  const channel = await admin('POST', '/api/v4/channels', { team_id: team.id, name: `${name.toLowerCase()}-${Date.now().toString(36)}`, display_name: name, type: 'O' });
  for (const person of people) {
    await admin('POST', `/api/v4/channels/${channel.id}/members`, { user_id: host.users[person].id });
  }
  return channel;
}
