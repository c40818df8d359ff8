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
  /** Of a direct channel, whose name is no name: the ids of the two. */
  partners: string[];
}

export interface ChannelCall {
  enabled: boolean | null;
  call: Snapshot | null;
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
    return { id: raw.id, name: String(raw.display_name ?? ''), type: String(raw.type ?? ''), partners };
  }

  async call(channelID: string): Promise<ChannelCall> {
    const raw = await this.plugin(encodeURIComponent(channelID));
    if (!isRecord(raw)) {
      throw new CallsError('protocol', 'not a channel of calls');
    }
    return { enabled: typeof raw.enabled === 'boolean' ? raw.enabled : null, call: toSnapshot(raw.call) };
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

  private async request(method: 'GET' | 'POST', path: string, body?: unknown, failure = httpFailure): Promise<unknown> {
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
