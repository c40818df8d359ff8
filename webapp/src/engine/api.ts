/** The host's and the plugin's HTTP API, as far as a call needs it. */
import { pluginID } from '../manifest';
import { CallsError, type ErrorCode } from './errors';
import { toSnapshot } from './events';
import { isRecord } from './frames';
import type { Snapshot } from './state';

export interface User {
  id: string;
  username: string;
  /** What people call them: nickname, else full name, else user name. */
  name: string;
}

export interface Channel {
  id: string;
  name: string;
  /** O public, P private, D direct, G group. */
  type: string;
  /** Empty for direct and group channels, which belong to no team. */
  teamID: string;
  /** Of a direct channel, whose name is no name: the ids of the two. */
  partners: string[];
}

/** What the server lets its clients do. */
export interface Config {
  defaultEnabled: boolean;
  screenSharing: boolean;
  ringing: boolean;
  hostControls: boolean;
  /** 0 is no limit. */
  maxParticipants: number;
}

export type HostAction = 'make' | 'mute' | 'screen-off' | 'lower-hand' | 'remove' | 'mute-others';

export interface Post {
  id: string;
  userID: string;
  message: string;
  createAt: number;
}

export interface ChannelCall {
  channelID: string;
  enabled: boolean | null;
  call: Snapshot | null;
}

/** Something about the plugin's settings that an admin should know; `wrong`: it is not in force. */
export interface Problem {
  setting: string;
  value: string;
  problem: string;
  wrong: boolean;
}

export class Api {
  /** `base` is the site's address without a slash at its end; `cookies` reads document.cookie, for the host's CSRF token. */
  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly base: string,
    private readonly cookies: () => string,
  ) {}

  me(): Promise<User> {
    return this.get('/api/v4/users/me').then(toUser);
  }

  /** Signs in; the host answers with cookies. */
  async login(loginID: string, password: string, token = ''): Promise<User> {
    const body = { login_id: loginID, password, token };
    return toUser(await this.request('POST', '/api/v4/users/login', body, loginFailure));
  }

  async users(ids: readonly string[]): Promise<User[]> {
    const raw = ids.length > 0 ? await this.request('POST', '/api/v4/users/ids', ids) : [];
    return Array.isArray(raw) ? raw.map(toUser) : [];
  }

  async channel(id: string): Promise<Channel> {
    const raw = await this.get(`/api/v4/channels/${encodeURIComponent(id)}`);
    if (!isRecord(raw) || typeof raw.id !== 'string') {
      throw new CallsError('protocol', 'not a channel');
    }
    const partners = raw.type === 'D' ? String(raw.name ?? '').split('__') : [];
    return { id: raw.id, name: String(raw.display_name ?? ''), type: String(raw.type ?? ''), teamID: String(raw.team_id ?? ''), partners };
  }

  /** The themes that the person chose, as the host keeps them: JSON by team id, and under the empty one that of all teams. */
  async themes(): Promise<Record<string, string>> {
    try {
      const raw = await this.get('/api/v4/users/me/preferences/theme');
      return Array.isArray(raw) ? Object.fromEntries(raw.filter(isRecord).map((p) => [String(p.name ?? ''), String(p.value ?? '')])) : {};
    } catch (error) {
      // Where nobody has chosen, the host has no such preferences, and says so by 404.
      if (error instanceof CallsError && error.code === 'not_found') {
        return {};
      }
      throw error;
    }
  }

  async call(channelID: string): Promise<ChannelCall> {
    const raw = await this.plugin(encodeURIComponent(channelID));
    if (!isRecord(raw)) {
      throw new CallsError('protocol', 'not a channel of calls');
    }
    return toChannelCall(raw, channelID);
  }

  /** All channels with a call, or with a choice for or against calls, that we may read. */
  async channels(): Promise<ChannelCall[]> {
    const raw = await this.plugin('channels');
    return Array.isArray(raw) ? raw.filter(isRecord).map((entry) => toChannelCall(entry, String(entry.channel_id ?? ''))) : [];
  }

  async config(): Promise<Config> {
    const raw = await this.plugin('config');
    const config = isRecord(raw) ? raw : {};
    return {
      defaultEnabled: config.DefaultEnabled === true,
      screenSharing: config.AllowScreenSharing !== false,
      ringing: config.EnableRinging === true,
      hostControls: config.HostControlsAllowed === true,
      maxParticipants: typeof config.MaxCallParticipants === 'number' ? config.MaxCallParticipants : 0,
    };
  }

  async setEnabled(channelID: string, enabled: boolean): Promise<void> {
    await this.request('POST', `/plugins/${pluginID}/${encodeURIComponent(channelID)}`, { enabled });
  }

  async endCall(channelID: string): Promise<void> {
    await this.toCall(channelID, 'end');
  }

  async dismissNotification(channelID: string): Promise<void> {
    await this.toCall(channelID, 'dismiss-notification');
  }

  /** What a host of a call may do; `target` is a session, or the user who is to be host. */
  async hostAction(channelID: string, action: HostAction, target = ''): Promise<void> {
    const body = action === 'make' ? { new_host_id: target } : action === 'mute-others' ? undefined : { session_id: target };
    await this.toCall(channelID, `host/${action}`, body);
  }

  /** Has the host tell us of what is written in a thread. */
  async followThread(userID: string, teamID: string, rootID: string): Promise<void> {
    const [user, team, thread] = [userID, teamID, rootID].map(encodeURIComponent);
    await this.request('PUT', `/api/v4/users/${user}/teams/${team}/threads/${thread}/following`);
  }

  /** The posts of a thread, the oldest first, without its root. */
  async thread(rootID: string): Promise<Post[]> {
    const raw = await this.get(`/api/v4/posts/${encodeURIComponent(rootID)}/thread`);
    const posts = isRecord(raw) && isRecord(raw.posts) ? Object.values(raw.posts).filter(isRecord) : [];
    return posts.filter((post) => post.root_id === rootID).map(toPost).sort((a, b) => a.createAt - b.createAt);
  }

  async reply(channelID: string, rootID: string, message: string): Promise<Post> {
    return toPost(await this.request('POST', '/api/v4/posts', { channel_id: channelID, root_id: rootID, message }));
  }

  /** Has the plugin's bot send us these lines as a file. */
  async uploadLogs(logs: string, filename: string): Promise<void> {
    await this.request('POST', `/plugins/${pluginID}/logs/upload`, { logs, filename });
  }

  /** What is wrong with the settings, for system admins. */
  async problems(): Promise<Problem[]> {
    const raw = await this.plugin('admin/settings');
    const list = isRecord(raw) && Array.isArray(raw.problems) ? raw.problems.filter(isRecord) : [];
    return list.map((p) => ({ setting: String(p.setting ?? ''), value: String(p.value ?? ''), problem: String(p.problem ?? ''), wrong: p.wrong === true }));
  }

  private async toCall(channelID: string, verb: string, body?: unknown): Promise<void> {
    await this.request('POST', `/plugins/${pluginID}/calls/${encodeURIComponent(channelID)}/${verb}`, body);
  }

  /** The ICE servers that a client is to use. Without TURN credentials it may still connect, so their failure is none of ours. */
  async iceServers(): Promise<RTCIceServer[]> {
    const config = await this.plugin('config');
    const servers = isRecord(config) ? toICEServers(config.ICEServersConfigs) : [];
    if (isRecord(config) && config.NeedsTURNCredentials === true) {
      try {
        servers.push(...toICEServers(await this.plugin('turn-credentials')));
      } catch {}
    }
    return servers;
  }

  private plugin(path: string): Promise<unknown> {
    return this.get(`/plugins/${pluginID}/${path}`);
  }

  private get(path: string): Promise<unknown> {
    return this.request('GET', path);
  }

  private async request(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, failure = httpFailure): Promise<unknown> {
    // The host takes a cookie session's POST only with its token or with this header (protocol 2.11), and sets the cookies of a login only with the latter.
    const headers: Record<string, string> = { 'X-Requested-With': 'XMLHttpRequest' };
    const token = /(?:^|;\s*)MMCSRF=([^;]+)/.exec(this.cookies())?.[1];
    if (token && method !== 'GET') {
      headers['X-CSRF-Token'] = token;
    }
    const init: RequestInit = { method, headers, credentials: 'same-origin' };
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    const response = await this.fetch(this.base + path, init).catch((error: unknown) => {
      throw new CallsError('network', error instanceof Error ? error.message : String(error));
    });
    const text = await response.text();
    if (!response.ok) {
      throw failure(response.status, text);
    }
    if (text === '') {
      return null;
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new CallsError('protocol', `${path} is not JSON`);
    }
  }
}

const codes: Readonly<Record<number, ErrorCode>> = { 401: 'not_signed_in', 403: 'forbidden', 404: 'not_found', 429: 'busy' };

function httpFailure(status: number, text: string): CallsError {
  return new CallsError(codes[status] ?? 'server', `HTTP ${status}: ${text.slice(0, 200)}`);
}

function loginFailure(status: number, text: string): CallsError {
  if (text.includes('mfa')) {
    return new CallsError('mfa_needed');
  }
  return status === 400 || status === 401 ? new CallsError('wrong_login') : httpFailure(status, text);
}

function toUser(raw: unknown): User {
  if (!isRecord(raw) || typeof raw.id !== 'string') {
    throw new CallsError('protocol', 'not a user');
  }
  const username = String(raw.username ?? '');
  const full = [raw.first_name, raw.last_name].filter((part) => typeof part === 'string' && part !== '').join(' ');
  return { id: raw.id, username, name: String(raw.nickname || '') || full || username };
}

/** The shape of a post, whatever the host sent: a post without a text is shown as one. */
export function toPost(raw: unknown): Post {
  const post = isRecord(raw) ? raw : {};
  const createAt = typeof post.create_at === 'number' ? post.create_at : 0;
  return { id: String(post.id ?? ''), userID: String(post.user_id ?? ''), message: String(post.message ?? ''), createAt };
}

function toChannelCall(raw: Record<string, unknown>, channelID: string): ChannelCall {
  return { channelID, enabled: typeof raw.enabled === 'boolean' ? raw.enabled : null, call: toSnapshot(raw.call) };
}

function toICEServers(raw: unknown): RTCIceServer[] {
  if (!Array.isArray(raw)) {
    return [];
  }
  return raw.filter(isRecord).flatMap((entry) => {
    const urls = Array.isArray(entry.urls) ? entry.urls.filter((url): url is string => typeof url === 'string') : [];
    if (urls.length === 0) {
      return [];
    }
    const { username, credential } = entry;
    return [typeof username === 'string' && typeof credential === 'string' ? { urls, username, credential } : { urls }];
  });
}
