import { describe, expect, it } from 'vitest';

import { type Elsewhere, type Port, Tabs } from './tabs';

/** Windows that hear one another at once, as over a BroadcastChannel. */
class Site {
  private readonly ports: Port[] = [];

  open(id: string) {
    const site = this;
    const port: Port = {
      onmessage: null,
      postMessage(message) {
        for (const other of site.ports.filter((p) => p !== port)) {
          other.onmessage?.({ data: structuredClone(message) });
        }
      },
      close() {
        site.ports.splice(site.ports.indexOf(port), 1);
      },
    };
    this.ports.push(port);
    const seen = { others: [] as readonly Elsewhere[], left: 0 };
    const tabs = new Tabs(port, id, {
      changed: (others) => {
        seen.others = others;
      },
      leave: () => {
        seen.left++;
        tabs.tell(null);
      },
    });
    return { tabs, seen, port };
  }
}

describe('windows of one person', () => {
  it('know of one another, whichever was there first', () => {
    const site = new Site();
    const a = site.open('a');
    a.tabs.tell({ channelID: 'town', unmuted: false });
    const b = site.open('b');
    expect(b.seen.others).toEqual([{ tab: 'a', channelID: 'town', unmuted: false }]);
    a.tabs.tell({ channelID: 'town', unmuted: true });
    expect(b.seen.others).toMatchObject([{ unmuted: true }]);
    a.tabs.close();
    expect(b.seen.others).toEqual([]);
  });

  it('take a call from one another, and nobody else leaves', () => {
    const site = new Site();
    const [a, b, c] = [site.open('a'), site.open('b'), site.open('c')];
    a.tabs.tell({ channelID: 'town', unmuted: true });
    c.tabs.tell({ channelID: 'other', unmuted: true });
    b.tabs.tell({ channelID: 'town', unmuted: false });
    b.tabs.takeFrom('a');
    expect([a.seen.left, b.seen.left, c.seen.left]).toEqual([1, 0, 0]);
    expect(c.seen.others).toMatchObject([{ tab: 'b' }]);
  });

  it('take no notice of what is not theirs', () => {
    const site = new Site();
    const a = site.open('a');
    for (const data of [null, 'x', 5, {}, { type: 'in' }, { type: 'in', tab: 'z', channelID: 5 }, { type: 'out', tab: 'z' }, { type: 'leave', tab: 'a' }]) {
      a.port.onmessage?.({ data });
    }
    expect(a.seen).toEqual({ others: [], left: 0 });
    expect(() => new Tabs(null, 'x', { changed: () => undefined, leave: () => undefined }).tell({ channelID: 'c', unmuted: false })).not.toThrow();
  });

  it('are forgotten beyond a number that nobody has', () => {
    const a = new Site().open('a');
    for (let i = 0; i < 200; i++) {
      a.port.onmessage?.({ data: { type: 'in', tab: `t${i}`, channelID: 'town', unmuted: false } });
    }
    expect(a.seen.others).toHaveLength(50);
  });
});
