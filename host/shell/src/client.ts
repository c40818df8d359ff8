/** The host's HTTP API and its WebSocket, and what they do to the store. */
import { handOut, handOutReconnect } from './registry';
import { store } from './store';
import type { Channel, Post, SocketMessage, State, Team, User } from './types';

export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { 'X-Requested-With': 'XMLHttpRequest' };
  const token = /(?:^|;\s*)MMCSRF=([^;]+)/.exec(document.cookie)?.[1];
  if (token) {
    headers['X-CSRF-Token'] = token;
  }
  const response = await fetch(`/api/v4${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const answer: unknown = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new RequestError(response.status, (answer as { message?: string }).message ?? `HTTP ${response.status}`);
  }
  return answer as T;
}

/** Reads everything that the page shows, for the person whose cookie there is. */
export async function signIn(): Promise<void> {
  const me = await request<User>('GET', '/users/me');
  const [teams, config] = await Promise.all([request<Team[]>('GET', '/users/me/teams'), request<Record<string, string>>('GET', '/config/client?format=old')]);
  const team = teams.find((t) => location.pathname.split('/')[1] === t.name) ?? teams[0];
  if (!team) {
    throw new Error('You are in no team.');
  }
  const [channels, members, teamMember] = await Promise.all([
    request<Channel[]>('GET', `/users/me/teams/${team.id}/channels?include_deleted=true`),
    request<{ channel_id: string }[]>('GET', `/users/me/teams/${team.id}/channels/members`),
    request<object>('GET', `/teams/${team.id}/members/me`),
  ]);
  const ids = [...new Set([me.id, ...channels.filter((c) => c.type === 'D').flatMap((c) => c.name.split('__'))])];
  const profiles = await request<User[]>('POST', '/users/ids', ids);
  const entities: State['entities'] = {
    general: { config },
    users: { currentUserId: me.id, profiles: Object.fromEntries([me, ...profiles].map((u) => [u.id, u])), statuses: {} },
    teams: { currentTeamId: team.id, teams: Object.fromEntries(teams.map((t) => [t.id, t])), myMembers: { [team.id]: teamMember } },
    channels: { currentChannelId: '', channels: Object.fromEntries(channels.map((c) => [c.id, c])), myMembers: Object.fromEntries(members.map((m) => [m.channel_id, m])) },
    posts: { posts: {} },
  };
  store.dispatch({ type: 'SIGNED_IN', entities });
}

export async function loadPosts(channelID: string): Promise<void> {
  const list = await request<{ posts: Record<string, Post> }>('GET', `/channels/${channelID}/posts?per_page=60`);
  await receive(Object.values(list.posts));
}

export async function receive(posts: Post[]): Promise<void> {
  store.dispatch({ type: 'POSTS', posts });
  const { profiles } = store.getState().entities.users;
  const unknown = [...new Set(posts.map((p) => p.user_id))].filter((id) => !profiles[id]);
  if (unknown.length > 0) {
    store.dispatch({ type: 'USERS', users: await request<User[]>('POST', '/users/ids', unknown) });
  }
}

const firstRetryMs = 1000;
const mostRetryMs = 10_000;

/** The page's own socket, which opens again by itself as long as somebody is signed in. */
export function listen(onPlugin: (message: SocketMessage) => void): void {
  let wait = firstRetryMs;
  let before = false;
  const open = () => {
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v4/websocket`);
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as SocketMessage;
      if (message.event === 'hello') {
        wait = firstRetryMs;
        if (before) {
          handOutReconnect();
        }
        before = true;
      } else if (message.event) {
        hear(message);
        onPlugin(message);
        handOut(message);
      }
    };
    socket.onclose = () => {
      if (store.getState().entities.users.currentUserId !== '') {
        setTimeout(open, wait);
        wait = Math.min(mostRetryMs, wait * 2);
      }
    };
  };
  open();
}

function hear(message: SocketMessage): void {
  const { data } = message;
  if (message.event === 'posted' || message.event === 'post_edited' || message.event === 'ephemeral_message') {
    void receive([JSON.parse(String(data.post)) as Post]);
  } else if (message.event === 'post_deleted') {
    store.dispatch({ type: 'POSTS', posts: [{ ...(JSON.parse(String(data.post)) as Post), delete_at: 1 }] });
  } else if (message.event === 'status_change') {
    store.dispatch({ type: 'STATUS', userID: data.user_id, status: data.status });
  } else if (message.event === 'channel_updated' && typeof data.channel === 'string') {
    store.dispatch({ type: 'CHANNEL', channel: JSON.parse(data.channel) as Channel });
  } else if (message.event === 'channel_deleted' && typeof data.channel_id === 'string') {
    void request<Channel>('GET', `/channels/${data.channel_id}`).then((channel) => store.dispatch({ type: 'CHANNEL', channel }));
  }
}
