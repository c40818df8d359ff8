import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

type Action = (channel?: { id?: string }) => void;

interface Plugin {
  initialize(registry: object): void;
  uninitialize(): void;
}

let plugins: Record<string, Plugin>;
let opened: string[];
let pages: { closed: boolean; focused: number; focus(): void }[];

beforeEach(() => {
  plugins = {};
  opened = [];
  pages = [];
  vi.resetModules();
  vi.stubGlobal('window', {
    basename: '/mm',
    React: { createElement: (type: string) => ({ type }) },
    registerPlugin: (id: string, plugin: Plugin) => {
      plugins[id] = plugin;
    },
    open: (url: string) => {
      opened.push(url);
      const page = {
        closed: false,
        focused: 0,
        focus() {
          page.focused++;
        },
      };
      pages.push(page);
      return page;
    },
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

async function load(): Promise<Plugin> {
  await import('./index');
  return plugins['com.mattermost.calls'] as Plugin;
}

describe('the bundle in the host', () => {
  it("puts a button into the channel's header that opens its call page once", async () => {
    const plugin = await load();
    let press: Action = () => undefined;
    plugin.initialize({
      registerChannelHeaderButtonAction: (_icon: unknown, action: Action) => {
        press = action;
      },
    });
    press({ id: 'chan1' });
    press({ id: 'chan1' });
    expect(opened).toEqual(['/mm/plugins/com.mattermost.calls/public/call.html?channel=chan1']);
    expect(pages[0]?.focused).toBe(1);
    Object.assign(pages[0] ?? {}, { closed: true });
    press({ id: 'chan1' });
    press({ id: 'chan2' });
    press();
    expect(opened).toHaveLength(3);
  });

  it('breaks no host that lacks what it asks for', async () => {
    const plugin = await load();
    expect(() => plugin.initialize({})).not.toThrow();
    Object.assign(window, { React: undefined });
    expect(() => plugin.initialize({ registerChannelHeaderButtonAction: () => expect.unreachable() })).not.toThrow();
    expect(() => plugin.uninitialize()).not.toThrow();
  });
});
