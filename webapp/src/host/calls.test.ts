import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Api, ChannelCall } from '../engine/api';
import type { Snapshot } from '../engine/state';
import type { CheckOptions, Question, Ring, StartOptions, UI, UIBridge } from '../incall/ui';
import { type Port, Tabs } from '../page/tabs';
import { HostCalls } from './calls';
import { onCommand } from './commands';
import type { HostChannel, HostState, HostStore } from './contract';
import { elsewhere, isEnabled, reducer, stateKey } from './state';

/** A store as the host keeps it: our reducer beside the host's own state. */
class FakeStore implements HostStore {
  private readonly listeners = new Set<() => void>();

  constructor(private state: HostState) {}

  getState(): HostState {
    return this.state;
  }

  dispatch(action: { type: string }): void {
    this.state = { ...this.state, [stateKey]: reducer(this.state[stateKey], action) };
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** Changes the host's own part. */
  change(edit: (state: HostState) => HostState): void {
    this.state = edit(this.state);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Writes down what it is asked for. */
class FakeUI implements UI {
  started: StartOptions[] = [];
  expanded = 0;
  left = 0;
  questions: Question[] = [];
  rings: Ring[] = [];
  stopped: string[] = [];
  missedCalls: string[] = [];
  start = (options: StartOptions) => void this.started.push(options);
  leave = () => void this.left++;
  expand = () => void this.expanded++;
  ask = (question: Question) => void this.questions.push(question);
  ring = (ring: Ring) => void this.rings.push(ring);
  stopRinging = (channelID: string, callID = '') => void this.stopped.push(channelID || callID);
  checks: CheckOptions[] = [];
  check = (options: CheckOptions) => void this.checks.push(options);
  mountExpanded = () => () => undefined;
  missed = (channelID: string) => void this.missedCalls.push(channelID);
  mount = () => () => undefined;
}

const channel = (id: string, type = 'O', name = id): HostChannel => ({ id, type, name, display_name: id.toUpperCase(), team_id: 't1' });
const prefixless = { broadcast: { channel_id: 'town' } };

let store: FakeStore;
let ui: FakeUI;
let bridge: UIBridge;
let calls: HostCalls;
let asked: string[];
let stored: Record<string, ChannelCall>;
let sentences: string[];
let loads: number;
let failLoad: boolean;
/** The way to our other windows, and what was said on it. */
let port: Port;
let said: unknown[];
let failLogs: boolean;
/** The host has pages for plugins. */
let pages: boolean;

beforeEach(async () => {
  ui = new FakeUI();
  asked = [];
  stored = {};
  sentences = [];
  loads = 0;
  failLoad = false;
  said = [];
  port = { onmessage: null, close: () => undefined, postMessage: (message) => void said.push(message) };
  failLogs = false;
  pages = false;
  store = new FakeStore({
    entities: {
      channels: { currentChannelId: 'town', channels: { town: channel('town'), off: channel('off'), old: { ...channel('old'), delete_at: 5 }, dm: channel('dm', 'D', 'me__ana') }, myMembers: { town: { roles: 'channel_user' } } },
      users: { currentUserId: 'me', profiles: { me: { id: 'me', username: 'me', roles: 'system_user' }, ana: { id: 'ana', username: 'ana', first_name: 'Ana', last_name: 'A' } }, statuses: {} },
      teams: { currentTeamId: 't1', teams: { t1: { name: 'team' } }, myMembers: {} },
    },
    [stateKey]: reducer(undefined, { type: 'init' }),
  });
  const api = {
    config: async () => ({ defaultEnabled: true, screenSharing: true, ringing: true, hostControls: true, maxParticipants: 2 }),
    channels: async () => Object.values(stored),
    call: async (id: string) => { asked.push(`call ${id}`); return stored[id] ?? { channelID: id, enabled: null, call: null }; },
    users: async (ids: string[]) => asked.push(`names ${ids}`) && ids.map((id) => ({ id, username: id, name: id.toUpperCase() })),
    endCall: async (id: string) => void asked.push(`end ${id}`),
    setEnabled: async (id: string, on: boolean) => void asked.push(`${on ? 'enable' : 'disable'} ${id}`),
    followThread: async (user: string, team: string, thread: string) => void asked.push(`follow ${user} ${team} ${thread}`),
    reply: async (id: string, root: string, text: string) => void asked.push(`write ${id} ${root} ${text}`),
    uploadLogs: async (logs: string, name: string) => {
      if (failLogs) {
        throw new Error('no network');
      }
      asked.push(`logs ${name} ${logs}`);
    },
    dismissNotification: async (id: string) => void asked.push(`dismiss ${id}`),
  };
  calls = new HostCalls({
    window: {}, store, api: api as unknown as Api, setTimeout: (fn) => void Promise.resolve().then(fn), alert: (text) => sentences.push(text),
    openTabs: (hooks) => new Tabs(port, 'here', hooks),
    get largeRoute() { return pages; },
    loadUI: async (given) => {
      loads++;
      if (failLoad) {
        throw new Error('no network');
      }
      bridge = given;
      return ui;
    },
  });
  stored.off = { channelID: 'off', enabled: false, call: null };
  await calls.load();
});

const event = (name: string, data: object = {}, channelID = 'town') => calls.onMessage(name, { data: { call_id: 'c1', ...data }, broadcast: { channel_id: channelID } });

describe('the state of all channels', () => {
  it('follows events, and ends with the last participant though nobody says so', () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5, host_id: 'ana' });
    event('user_joined', { user_id: 'ana', session_id: 's1', v: 2 });
    expect(calls.state.calls.town?.participants.size).toBe(1);
    event('user_left', { session_id: 's1', v: 3 });
    expect(calls.state.calls).toEqual({});
  });

  it('asks the server after a gap, once for a burst', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    event('user_joined', { user_id: 'ana', session_id: 's1', v: 4 });
    event('user_unmuted', { session_id: 's1', v: 7 });
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toEqual(['call town']);
  });

  it('asks once for all names that it lacks', async () => {
    expect([calls.nameOf('ana'), calls.nameOf('x'), calls.nameOf('y'), calls.nameOf('x')]).toEqual(['Ana A', 'Someone', 'Someone', 'Someone']);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toEqual(['names x,y']);
    expect(calls.nameOf('x')).toBe('X');
  });

  it('knows in which channels calls are off, and hears of changes', () => {
    expect([isEnabled(calls.state, 'town'), isEnabled(calls.state, 'off')]).toEqual([true, false]);
    calls.onMessage('channel_enable_voice', { broadcast: { channel_id: 'off' } });
    expect(isEnabled(calls.state, 'off')).toBe(true);
  });

  it('forgets calls that were gone after the socket was away', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    await calls.load();
    expect(calls.state.calls).toEqual({});
  });

  it('takes no notice of events without a channel or of other shapes', () => {
    calls.onMessage('user_joined', {});
    calls.onMessage('call_state', { data: { channel_id: 'town', call: 'nonsense' } });
    calls.onMessage('user_joined', { ...prefixless, data: { session_id: 5 } as never });
    expect(calls.state.calls).toEqual({});
  });
});

describe('joining', () => {
  it('loads the rest once, whoever clicks twice', async () => {
    await Promise.all([calls.open('town'), calls.open('town')]);
    expect(ui.started).toHaveLength(1);
    expect(ui.started[0]).toMatchObject({ channelID: 'town', title: 'TOWN', channelType: 'O', me: { id: 'me' } });
    expect(loads).toBe(1);
    expect(calls.state.mine).toEqual({ channelID: 'town', phase: 'connecting' });
  });

  it('follows the thread of the call one is in, and of no other', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5, thread_id: 'post1' });
    event('user_joined', { user_id: 'me', session_id: 's0', v: 2 });
    expect(asked).toEqual([]);
    await calls.open('town');
    event('user_joined', { user_id: 'me', session_id: 's1', v: 3 });
    expect(asked).toEqual(['follow me t1 post1']);
  });

  it('opens the call one is in', async () => {
    await calls.open('town');
    bridge.onMine({ channelID: 'town', phase: 'connected' });
    await calls.open('town');
    expect(ui.expanded).toBe(1);
  });

  it('asks before it leaves another call', async () => {
    await calls.open('town');
    bridge.onMine({ channelID: 'town', phase: 'connected' });
    await calls.open('dm');
    await Promise.resolve();
    expect(ui.questions[0]).toMatchObject({ kind: 'switch', from: 'TOWN', to: 'Ana A' });
    expect(ui.started).toHaveLength(1);
    await ui.questions[0]?.go();
    await Promise.resolve();
    await Promise.resolve();
    expect(ui.started[1]).toMatchObject({ channelID: 'dm', channelType: 'D' });
  });

  it('says why not', async () => {
    await calls.open('off');
    await calls.open('old');
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    event('user_joined', { user_id: 'ana', session_id: 's1', v: 2 });
    event('user_joined', { user_id: 'ana', session_id: 's2', v: 3 });
    await calls.open('town');
    expect(sentences).toEqual(['Calls are switched off in this channel.', 'This channel is archived. Calls in it are not possible.', 'The call is full.']);
    expect(ui.started).toEqual([]);
  });

  it('can be tried again after the rest could not be loaded', async () => {
    failLoad = true;
    await calls.open('town');
    expect(calls.state.mine).toBeNull();
    expect(sentences[0]).toContain('could not be opened');
    failLoad = false;
    await calls.open('town');
    expect(ui.started).toHaveLength(1);
  });
});

describe('a call in another window of ours', () => {
  beforeEach(() => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    event('user_joined', { user_id: 'me', session_id: 's1', v: 2 });
    port.onmessage?.({ data: { type: 'in', tab: 'there', channelID: 'town', unmuted: true } });
  });

  it('is moved here as it was, and left there once it is here', async () => {
    expect(elsewhere(calls.state, 'town')).toMatchObject({ tab: 'there' });
    await calls.open('town');
    expect(ui.started[0]).toMatchObject({ channelID: 'town', unmuted: true });
    expect(said).not.toContainEqual({ type: 'leave', tab: 'there' });
    bridge.onMine({ channelID: 'town', phase: 'connected', unmuted: false });
    expect(said).toContainEqual({ type: 'leave', tab: 'there' });
    expect(elsewhere(calls.state, 'town')).toBeUndefined();
    expect(said).toContainEqual({ type: 'in', tab: 'here', channelID: 'town', unmuted: false });
  });

  it('makes room first where there is none for two', async () => {
    event('user_joined', { user_id: 'ana', session_id: 's2', v: 3 });
    await calls.open('town');
    expect(sentences).toEqual([]);
    expect(said).toContainEqual({ type: 'leave', tab: 'there' });
    expect(ui.started).toHaveLength(1);
  });

  it('is taken from us when it is moved there', async () => {
    port.onmessage?.({ data: { type: 'out', tab: 'there' } });
    expect(elsewhere(calls.state, 'town')).toBeUndefined();
    await calls.open('town');
    bridge.onMine({ channelID: 'town', phase: 'connected' });
    port.onmessage?.({ data: { type: 'leave', tab: 'here' } });
    expect(ui.left).toBe(1);
  });
});

describe('the check before a call', () => {
  it('leads into the call, with a microphone or without', async () => {
    calls.check('town');
    await vi.waitFor(() => expect(ui.checks).toHaveLength(1));
    expect(ui.checks[0]).toMatchObject({ channel: 'TOWN', running: false, inCall: false });
    ui.checks[0]?.go(true);
    await vi.waitFor(() => expect(ui.started).toHaveLength(1));
    expect(ui.started[0]).toMatchObject({ channelID: 'town', listen: true });
  });
});

describe('ringing', () => {
  const start = (channelID: string, host = 'ana') => event('call_start', { id: 'c1', v: 1, start_at: 5, host_id: host }, channelID);

  it('tells of a direct call, and stops when it is taken elsewhere', async () => {
    start('dm');
    await Promise.resolve();
    await Promise.resolve();
    expect(ui.rings).toMatchObject([{ channelID: 'dm', callID: 'c1', caller: 'Ana A', inCall: false }]);
    calls.onMessage('user_dismissed_notification', { data: { userID: 'me', callID: 'c1' } });
    expect(ui.stopped).toContain('c1');
    event('user_joined', { user_id: 'me', session_id: 's9', v: 2 }, 'dm');
    expect(ui.stopped).toContain('dm');
    bridge.decline('c1', 'dm');
    expect(asked).toContain('dismiss dm');
    await bridge.write('dm', 'Later');
    expect(asked).toContain('write dm  Later');
  });

  it('leaves a note of a call that ended before anybody took it', async () => {
    start('dm');
    event('user_joined', { user_id: 'ana', session_id: 's1', v: 2 }, 'dm');
    await Promise.resolve();
    await Promise.resolve();
    event('user_left', { user_id: 'ana', session_id: 's1', v: 3 }, 'dm');
    expect(ui.missedCalls).toEqual(['dm']);
    expect(ui.stopped).not.toContain('dm');
  });

  it('disturbs nobody who is not to be disturbed', async () => {
    store.change((state) => ({ ...state, entities: { ...state.entities, users: { ...state.entities?.users, statuses: { me: 'dnd' } } } }));
    start('dm');
    await Promise.resolve();
    await Promise.resolve();
    expect(ui.rings).toMatchObject([{ channelID: 'dm', quiet: true }]);
  });

  describe('for who opens the page meanwhile', () => {
    const call = (startAt: number, dismissed = false): Snapshot => ({
      callID: 'c1', v: 2, startAt, hostID: 'ana', screenSessionID: '', ...(dismissed ? { dismissed } : {}),
      participants: [{ sessionID: 's1', userID: 'ana', unmuted: true, raisedHand: 0 }],
    });
    const opens = async (snapshot: Snapshot) => {
      stored = { dm: { channelID: 'dm', enabled: null, call: snapshot } };
      await calls.load();
      await Promise.resolve();
      return ui.rings;
    };

    it('a call that began a moment ago rings for as long as is left', async () => {
      const at = Date.now() - 10_000;
      expect(await opens(call(at))).toMatchObject([{ channelID: 'dm', callID: 'c1', caller: 'Ana A', at }]);
    });

    it('neither an old one, nor one that was waved away elsewhere, nor one that we are in on another device', async () => {
      expect(await opens(call(Date.now() - 60_000))).toEqual([]);
      expect(await opens(call(Date.now(), true))).toEqual([]);
      expect(calls.state.dismissed).toEqual({ c1: true });
      const mine = { ...call(Date.now()), callID: 'c2' };
      expect(await opens({ ...mine, participants: [...mine.participants, { sessionID: 's2', userID: 'me', unmuted: false, raisedHand: 0 }] })).toEqual([]);
    });

    it('also one whose event came before the answer that calls ring here', async () => {
      const loading = calls.load();
      event('call_start', { id: 'c1', v: 1, start_at: Date.now(), host_id: 'ana' }, 'dm');
      await loading;
      await Promise.resolve();
      expect(ui.rings.at(-1)).toMatchObject({ channelID: 'dm', callID: 'c1' });
      expect(calls.state.calls.dm?.callID).toBe('c1'); // the answer is older than the event, and must not take the call away
    });
  });

  it('does not for a channel of many, nor for an own call', async () => {
    start('town');
    start('dm', 'me');
    await Promise.resolve();
    expect(loads).toBe(0);
  });
});

describe('commands', () => {
  const say = (message: string, channelID = 'town') => onCommand(calls, message, { channel_id: channelID });

  it('are taken before they are posted', async () => {
    expect(await say('/call start Weekly meeting')).toEqual({});
    await Promise.resolve();
    expect(ui.started[0]).toMatchObject({ callTitle: 'Weekly meeting' });
    bridge.onMine({ channelID: 'town', phase: 'connected' });
    expect(await say('/call join')).toEqual({ error: { message: 'You are already connected to the call in this channel.' } });
    expect(await say('/call leave')).toEqual({});
    expect(ui.left).toBe(1);
  });

  it('say why they cannot', async () => {
    expect(await say('/call leave')).toEqual({ error: { message: 'You are not connected to the call in this channel.' } });
    expect(await say('/call end')).toEqual({ error: { message: 'There is no call in this channel.' } });
    expect(await say('/call join', 'off')).toEqual({ error: { message: 'Calls are switched off in this channel.' } });
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    expect(await say('/call start')).toEqual({ error: { message: 'A call is already ongoing in the channel.' } });
  });

  it('send the logs of the page to its own user', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    event('user_left', { user_id: 'ana', session_id: 's1', v: 2, reason: 'ice_failed', text: 'something said' });
    expect(await say('/call logs')).toEqual({});
    const [sent] = asked.filter((line) => line.startsWith('logs '));
    expect(sent).toMatch(/^logs call_logs_\d{4}-\d\d-\d\dT[\d-]{8}\.txt /);
    expect(sent).toMatch(/Z call_start channel=town call=c1 v=1\n\S+Z user_left channel=town call=c1 v=2 session=s1 reason=ice_failed\n/);
    expect(sent).not.toContain('something said');
    expect(sentences).toEqual(['Your logs are on their way to you, as a message of the bot Calls.']);
    failLogs = true;
    expect(await say('/call logs')).toEqual({ error: { message: 'Your logs could not be sent to you. Please try again in a moment.' } });
  });

  it('go on to the server when it is to answer', async () => {
    for (const message of ['/call link', '/call stats', '/call', '/calling', 'hello']) {
      expect(await say(message)).toEqual({ message, args: { channel_id: 'town' } });
    }
  });

  it('ask before they end a call', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    expect(await say('/call end')).toEqual({});
    await Promise.resolve();
    await ui.questions[0]?.go();
    expect(asked).toContain('end town');
  });
});

it('only some may switch calls on and off', () => {
  expect(calls.mayEnable('town')).toBe(false);
  expect(calls.mayEnable('dm')).toBe(true);
});

describe('the large view', () => {
  it('has an address where the host has pages for plugins, and goes on here when its opener goes', async () => {
    await calls.open('town');
    expect(bridge.largeAddress('town')).toBe('');
    vi.stubGlobal('window', { location: { origin: 'https://site' } });
    pages = true;
    expect(bridge.largeAddress('town')).toBe('https://site/team/com.mattermost.calls/expanded/town');
    expect(bridge.largeAddress('dm')).toBe('https://site/team/com.mattermost.calls/expanded/dm');
    vi.unstubAllGlobals();
    bridge.takeOver('dm', { unmuted: false, listen: true });
    await vi.waitFor(() => expect(ui.started.at(-1)).toMatchObject({ channelID: 'dm', unmuted: false, listen: true }));
  });
});

describe('a call in another window of ours that shares a screen there', () => {
  it('is moved only when the person knows that the share ends', async () => {
    event('call_start', { id: 'c1', v: 1, start_at: 5 });
    port.onmessage?.({ data: { type: 'in', tab: 'there', channelID: 'town', unmuted: true, sharing: true } });
    await calls.open('town');
    expect(ui.started).toHaveLength(0);
    await vi.waitFor(() => expect(ui.questions.at(-1)).toMatchObject({ kind: 'move', channelID: 'town' }));
    ui.questions.at(-1)?.go();
    await vi.waitFor(() => expect(ui.started[0]).toMatchObject({ channelID: 'town', unmuted: true }));
    bridge.onMine({ channelID: 'town', phase: 'connected', sharing: true });
    expect(said).toContainEqual({ type: 'in', tab: 'here', channelID: 'town', unmuted: false, sharing: true });
  });
});
