/** The page's store: the parts of the web app's state that plugins read, under the same names, and a reducer for each plugin that wants one. */
import { combineReducers, createStore, type Reducer } from 'redux';

import type { Action, Channel, Post, Registered, State, User } from './types';

const empty: State['entities'] = {
  general: { config: {} },
  users: { currentUserId: '', profiles: {}, statuses: {} },
  teams: { currentTeamId: '', teams: {}, myMembers: {} },
  channels: { currentChannelId: '', channels: {}, myMembers: {} },
  posts: { posts: {} },
};

function byID<T extends { id: string }>(list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((item) => [item.id, item]));
}

function entities(state = empty, action: Action): State['entities'] {
  switch (action.type) {
    case 'SIGNED_IN':
      return action.entities as State['entities'];
    case 'SIGNED_OUT':
      return empty;
    case 'USERS':
      return { ...state, users: { ...state.users, profiles: { ...state.users.profiles, ...byID(action.users as User[]) } } };
    case 'STATUS':
      return { ...state, users: { ...state.users, statuses: { ...state.users.statuses, [action.userID as string]: action.status as string } } };
    case 'CHANNEL':
      return { ...state, channels: { ...state.channels, channels: { ...state.channels.channels, ...byID([action.channel as Channel]) } } };
    case 'SELECT_CHANNEL':
      return { ...state, channels: { ...state.channels, currentChannelId: action.channelID as string } };
    case 'POSTS': {
      const posts = { ...state.posts.posts, ...byID(action.posts as Post[]) };
      return { ...state, posts: { posts: Object.fromEntries(Object.entries(posts).filter(([, post]) => post.delete_at === 0)) } };
    }
    default:
      return state;
  }
}

function plugins(state: State['plugins'] = { components: {} }, action: Action): State['plugins'] {
  const { components } = state;
  switch (action.type) {
    case 'RECEIVED_PLUGIN_COMPONENT': {
      const name = action.name as string;
      return { components: { ...components, [name]: [...(components[name] ?? []), action.data as Registered] } };
    }
    case 'REMOVED_PLUGIN_COMPONENT':
      return { components: filtered(components, (c) => c.id !== action.id) };
    case 'REMOVED_WEBAPP_PLUGIN':
      return { components: filtered(components, (c) => c.pluginId !== action.id) };
    default:
      return state;
  }
}

function filtered(components: State['plugins']['components'], keep: (c: Registered) => boolean): State['plugins']['components'] {
  return Object.fromEntries(Object.entries(components).map(([name, list]) => [name, list.filter(keep)]));
}

const reducers: Record<string, Reducer> = { entities: entities as Reducer, plugins: plugins as Reducer };
const combined = () => combineReducers(reducers) as unknown as Reducer<State, Action>;

export const store = createStore(combined());

/** Plugins' reducers come later than the store. */
export function addReducer(name: string, reducer: Reducer): void {
  reducers[name] = reducer;
  store.replaceReducer(combined());
}

/** The selected part of the state, drawn again when it changed. */
export function useSelector<T>(read: (state: State) => T): T {
  const [value, setValue] = React.useState(() => read(store.getState()));
  const latest = React.useRef(read);
  latest.current = read;
  React.useEffect(() => {
    const look = () => setValue(() => latest.current(store.getState()));
    look();
    return store.subscribe(look);
  }, []);
  const now = read(store.getState());
  return Object.is(now, value) ? value : now;
}

const none: Registered[] = [];

export function useRegistered(name: string): Registered[] {
  return useSelector((state) => state.plugins.components[name] ?? none);
}
