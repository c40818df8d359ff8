/** Addresses, as in the web app: /team/channels/name, /team/messages/@user, /team/plugin/route…, /admin_console/plugins/plugin_id, /boards. */
import { store } from './store';
import type { Channel, State } from './types';

const listeners = new Set<() => void>();

export function go(path: string): void {
  history.pushState(null, '', path);
  notify();
}

/** Puts the address by which something is known in place of another one of its own. */
export function correct(path: string): void {
  history.replaceState(null, '', path);
  notify();
}

function notify(): void {
  for (const listener of listeners) {
    listener();
  }
}

window.addEventListener('popstate', notify);
// How plugins navigate: by this object in newer hosts, and by this message in older ones.
Object.assign(window, { WebappUtils: { browserHistory: { push: go } } });
window.addEventListener('message', (event) => {
  if (event.origin === location.origin && event.data?.type === 'browser-history-push-return') {
    go(String(event.data.message?.pathName));
  }
});

export function usePath(): string {
  const [path, setPath] = React.useState(location.pathname);
  React.useEffect(() => {
    const look = () => setPath(location.pathname);
    listeners.add(look);
    return () => {
      listeners.delete(look);
    };
  }, []);
  return path;
}

export function pathTo(channel: Channel, state: State): string {
  const team = state.entities.teams.teams[channel.team_id || state.entities.teams.currentTeamId]?.name ?? '';
  if (channel.type === 'D') {
    const other = partner(channel, state);
    return `/${team}/messages/@${state.entities.users.profiles[other]?.username ?? other}`;
  }
  return `/${team}/channels/${channel.name}`;
}

export function titleOf(channel: Channel, state: State): string {
  if (channel.type === 'D') {
    const user = state.entities.users.profiles[partner(channel, state)];
    return user?.nickname || [user?.first_name, user?.last_name].filter(Boolean).join(' ') || user?.username || '';
  }
  return channel.display_name;
}

function partner(channel: Channel, state: State): string {
  const me = state.entities.users.currentUserId;
  return channel.name.split('__').find((id) => id !== me) ?? me;
}

/** The channel that an address names, by name, by id, or by the other person; none for addresses of other things. */
export function channelOf(path: string): Channel | undefined {
  const [, , kind, name = ''] = path.split('/');
  const state = store.getState();
  const all = Object.values(state.entities.channels.channels);
  if (kind === 'channels') {
    return all.find((c) => c.name === name) ?? all.find((c) => c.id === name);
  }
  if (kind === 'messages') {
    return all.find((c) => c.name === name || c.id === name) ?? all.find((c) => c.type === 'D' && pathTo(c, state).endsWith(`/${name}`));
  }
  return undefined;
}
