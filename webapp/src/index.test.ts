import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { reducer, stateKey } from './host/state';

interface Plugin {
  initialize(registry: object, store: object): void;
  uninitialize(): void;
}

let plugins: Record<string, Plugin>;
let listeners: string[];

class Base {
  constructor(readonly props: object) {}
}

const element = () => ({ dataset: {}, style: {}, remove: () => undefined, append: () => undefined });

beforeEach(() => {
  plugins = {};
  listeners = [];
  vi.resetModules();
  vi.stubGlobal('window', {
    basename: '/mm',
    location: { origin: 'https://site', href: 'https://site/mm/team/channels/town', search: '' },
    React: { createElement: (type: unknown, props: object) => ({ type, props }), Component: Base },
    registerPlugin: (id: string, plugin: Plugin) => {
      plugins[id] = plugin;
    },
    addEventListener: (name: string) => listeners.push(name),
    removeEventListener: (name: string) => listeners.splice(listeners.indexOf(name), 1),
    fetch: () => Promise.reject(new Error('no network in tests')),
    setTimeout: () => 0,
  });
  vi.stubGlobal('document', { documentElement: element(), head: element(), body: element(), createElement: element, cookie: '', addEventListener: () => undefined, removeEventListener: () => undefined });
  vi.stubGlobal('getComputedStyle', () => ({ getPropertyValue: () => '' }));
  vi.stubGlobal('MutationObserver', class { observe() {} disconnect() {} });
  vi.stubGlobal('navigator', { languages: ['en'] });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function load(): Promise<Plugin> {
  await import('./index');
  return plugins['com.mattermost.calls'] as Plugin;
}

const store = { getState: () => ({ [stateKey]: reducer(undefined, { type: 'x' }) }), dispatch: () => undefined, subscribe: () => () => undefined };

/** A registry that writes down what is registered, and has only the methods named. */
function registry(names: string[]): { registered: [string, unknown[]][]; methods: Record<string, unknown> } {
  const registered: [string, unknown[]][] = [];
  const methods = Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => void registered.push([name, args])]));
  return { registered, methods };
}

const all = [
  'registerReducer', 'registerCallButtonAction', 'registerChannelHeaderButtonAction', 'registerChannelHeaderMenuAction', 'registerSidebarChannelLinkLabelComponent',
  'registerChannelToastComponent', 'registerPostTypeComponent', 'registerGlobalComponent', 'registerRootComponent', 'registerSlashCommandWillBePostedHook',
  'registerWebSocketEventHandler', 'registerReconnectHandler', 'registerNeedsTeamRoute',
];

describe('the bundle in the host', () => {
  it('registers what it shows, and takes the newer of two ways', async () => {
    const plugin = await load();
    const { registered, methods } = registry(all);
    plugin.initialize(methods, store);
    const names = registered.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(['registerCallButtonAction', 'registerGlobalComponent', 'registerReducer', 'registerReconnectHandler']));
    expect(names).not.toContain('registerChannelHeaderButtonAction');
    expect(names).not.toContain('registerRootComponent');
    const events = registered.filter(([name]) => name === 'registerWebSocketEventHandler').map(([, args]) => args[0]);
    expect(events).toContain('custom_com.mattermost.calls_user_joined');
    expect(registered.find(([name]) => name === 'registerPostTypeComponent')?.[1][0]).toBe('custom_calls');
    expect(registered.find(([name]) => name === 'registerNeedsTeamRoute')?.[1][0]).toBe('/expanded');
  });

  it('falls back in older hosts', async () => {
    const plugin = await load();
    const { registered, methods } = registry(['registerChannelHeaderButtonAction', 'registerRootComponent']);
    plugin.initialize(methods, store);
    expect(registered.map(([name]) => name)).toEqual(['registerChannelHeaderButtonAction', 'registerRootComponent']);
  });

  it('begins when somebody is signed in, and anew with the next person', async () => {
    const asked: string[] = [];
    Object.assign(window, { fetch: (input: string) => { asked.push(new URL(input).pathname); return Promise.reject(new Error('no network in tests')); } });
    let user = '';
    let state: unknown = reducer(undefined, { type: 'x' });
    let changed: () => void = () => undefined;
    const hostStore = {
      getState: () => ({ [stateKey]: state, entities: { users: { currentUserId: user } } }),
      dispatch: (action: { type: string }) => { state = reducer(state, action); changed(); },
      subscribe: (listener: () => void) => { const before = changed; changed = () => { before(); listener(); }; return () => undefined; },
    };
    const plugin = await load();
    plugin.initialize(registry(all).methods, hostStore);
    expect(asked).toEqual([]);
    for (const next of ['u-ana', '', 'u-ben']) {
      user = next;
      changed();
    }
    expect(asked.filter((path) => path.endsWith('/config'))).toHaveLength(2);
  });

  it('breaks no host that lacks what it asks for, and leaves nothing behind', async () => {
    const plugin = await load();
    expect(() => plugin.initialize({}, store)).not.toThrow();
    expect(listeners).toEqual(['pagehide', 'message', 'keydown']);
    plugin.uninitialize();
    expect(listeners).toEqual([]);
    Object.assign(window, { React: undefined });
    expect(() => plugin.initialize(registry(all).methods, store)).not.toThrow();
  });
});
