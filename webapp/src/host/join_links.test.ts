import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { HostChannel } from './contract';
import { JoinLinks, patienceMs } from './join_links';

class FakeElement {
  constructor(readonly link: { href: string; target: string } | null) {}
  closest(): object | null {
    return this.link;
  }
}

let address: URL;
let clicks: ((event: object) => void)[];
let listeners: (() => void)[];
let current: string;
let opened: string[];
let now: number;

const channels: Record<string, HostChannel> = {
  c1: { id: 'c1', name: 'town', display_name: 'Town', type: 'O' },
  c2: { id: 'c2', name: 'field', display_name: 'Field', type: 'P' },
  d1: { id: 'd1', name: 'me__you', display_name: '', type: 'D' },
};

const calls = {
  get currentChannelID() {
    return current;
  },
  channel: (id: string) => channels[id],
  open: (id: string) => opened.push(id),
  subscribe: (listener: () => void) => {
    listeners.push(listener);
    return () => void listeners.splice(listeners.indexOf(listener), 1);
  },
};

/** What the host does when it shows a channel: the address changes, then the store. */
function show(id: string, path: string): void {
  address = new URL(path, address);
  current = id;
  changed();
}

function changed(): void {
  for (const listener of listeners) {
    listener();
  }
}

function click(href: string, fields: object = {}, target = ''): void {
  for (const hear of clicks) {
    hear({ target: new FakeElement({ href, target }), button: 0, ...fields });
  }
}

function openAt(path: string): JoinLinks {
  address = new URL(path, 'https://site');
  return new JoinLinks(calls, () => now);
}

beforeEach(() => {
  [clicks, listeners, current, opened, now] = [[], [], '', [], 1000];
  vi.stubGlobal('Element', FakeElement);
  vi.stubGlobal('document', { addEventListener: (_: string, hear: () => void) => clicks.push(hear), removeEventListener: () => clicks.pop() });
  vi.stubGlobal('window', {
    get location() {
      return address;
    },
    history: { state: null, replaceState: (_: unknown, __: string, next: URL) => { address = new URL(next); } },
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a link into a call', () => {
  it('leads into it although the host has put another address in its place meanwhile', () => {
    const links = openAt('/team/channels/c1?join_call=true');
    show('c1', '/team/channels/town');
    expect(opened).toEqual([]); // whether calls are on there is not known yet
    links.start();
    expect(opened).toEqual(['c1']);
    changed();
    expect(opened).toEqual(['c1']);
  });

  it('is taken out of the address, so that a reload does not join again', () => {
    const links = openAt('/team/channels/town?join_call=true&x=1');
    links.start();
    current = 'c1';
    changed();
    expect(opened).toEqual(['c1']);
    expect(address.href).toBe('https://site/team/channels/town?x=1');
  });

  it('does not lead into the call of another channel, however long that takes', () => {
    const links = openAt('/team/channels/gone?join_call=true');
    links.start();
    show('c1', '/team/channels/town');
    expect(opened).toEqual([]);
    now += patienceMs + 1;
    changed();
    show('c2', '/team/channels/gone');
    expect(opened).toEqual([]);
  });

  it('leads into a direct call by the name of the other person', () => {
    openAt('/team/messages/@you?join_call=true').start();
    show('c1', '/team/channels/town');
    expect(opened).toEqual([]);
    show('d1', '/team/messages/@you');
    expect(opened).toEqual(['d1']);
  });

  it('works when it is clicked in a post, in its own channel and from another one', () => {
    const links = openAt('/team/channels/town');
    current = 'c1';
    links.start();
    click('https://site/team/channels/c1?join_call=true');
    expect(opened).toEqual(['c1']);
    click('/team/channels/c2?join_call=true');
    expect(opened).toEqual(['c1']);
    show('c2', '/team/channels/field');
    expect(opened).toEqual(['c1', 'c2']);
  });

  it('works where the host itself goes to it', () => {
    openAt('/team/channels/town').start();
    current = 'c1';
    show('c1', '/team/channels/c2?join_call=true');
    show('c2', '/team/channels/field');
    expect(opened).toEqual(['c2']);
  });

  it('is left to the browser where that opens another page, or another site', () => {
    const links = openAt('/team/channels/town');
    current = 'c1';
    links.start();
    click('https://elsewhere/team/channels/c1?join_call=true');
    click('https://site/team/channels/c1?join_call=true', { ctrlKey: true });
    click('https://site/team/channels/c1?join_call=true', { button: 1 });
    click('https://site/team/channels/c1?join_call=true', {}, '_blank');
    expect(opened).toEqual([]);
    links.close();
    expect([clicks.length, listeners.length]).toEqual([0, 0]);
  });
});
