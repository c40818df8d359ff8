import { beforeEach, describe, expect, it } from 'vitest';

import { CallsError } from '../engine/errors';
import { type FakeEnv, type FakePeer, type FakeSocket, fakeEnv, fakeStream, fakeTrack, settle } from '../engine/testing';
import type { Surroundings } from './surroundings';
import { usualSettings } from './settings';
import { PageStore } from './store';
import { type Port, Tabs } from './tabs';

const prefix = 'custom_com.mattermost.calls_';
const me = { id: 'u-me', username: 'me', name: 'Me' };

let env: FakeEnv;
let around: Surroundings;
let store: PageStore;
let signedIn: boolean;
let asked: string[][];

beforeEach(() => {
  env = fakeEnv();
  signedIn = true;
  asked = [];
  const api = {
    me: async () => {
      if (!signedIn) {
        throw new CallsError('not_signed_in');
      }
      return me;
    },
    login: async (_: string, password: string) => {
      if (password !== 'right') {
        throw new CallsError('wrong_login');
      }
      signedIn = true;
      return me;
    },
    users: async (ids: string[]) => {
      asked.push(ids);
      return ids.map((id) => ({ id, username: id, name: id.toUpperCase() }));
    },
    channel: async () => ({ id: 'chan', name: 'Town', type: 'O', teamID: 't1', partners: [] as string[] }),
    themes: async () => ({}) as Record<string, string>,
    call: async () => ({ channelID: 'chan', enabled: true, call: null }),
    iceServers: async () => [],
    config: async () => ({ defaultEnabled: true, screenSharing: true, ringing: false, hostControls: true, maxParticipants: 0 }),
  };
  around = {
    env,
    api: api as unknown as Surroundings['api'],
    socketURL: 'ws://site',
    channelID: 'chan',
    openMicrophone: async () => Object.assign(fakeTrack('audio')),
    captureScreen: async () => fakeStream('s', [fakeTrack('video')]),
    listDevices: async () => ({ inputs: [], outputs: [] }),
    settings: { read: () => usualSettings, write: () => undefined },
    play: () => undefined,
    watchLevel: () => () => undefined,
    onClient: () => undefined,
  };
  store = new PageStore(around);
});

const socket = () => env.sockets.at(-1) as FakeSocket;
const peer = () => env.peers.at(-1) as FakePeer;
const event = (name: string, data: object) => socket().receives(prefix + name, data, 'chan');

async function inCall(connID = 'conn1'): Promise<void> {
  await settle();
  socket().opens();
  socket().receives('hello', { connection_id: connID });
  event('join', { connID });
  const call = { id: 'call1', v: 1, sessions: [{ session_id: connID, user_id: 'u-me' }, { session_id: 's-ana', user_id: 'u-ana' }] };
  event('call_state', { channel_id: 'chan', call: JSON.stringify(call), call_id: 'call1', v: 1 });
  event('signal', { connID, data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
  await settle();
  peer().becomes('connected');
  await settle();
}

describe('before the call', () => {
  it('shows the lobby to one who is signed in', async () => {
    await store.load();
    expect(store.view).toMatchObject({ step: 'lobby', title: 'Town', me });
  });

  it('asks for a login, says that it was wrong, and goes on when it is right', async () => {
    signedIn = false;
    await store.load();
    expect(store.view.step).toBe('login');
    await store.login('me', 'wrong', '');
    expect(store.view).toMatchObject({ step: 'login', busy: false, error: { code: 'wrong_login' } });
    await store.login('me', 'right', '');
    expect(store.view).toMatchObject({ step: 'lobby', busy: false, error: null });
  });

  it('calls a direct channel by the other one', async () => {
    around.api.channel = async () => ({ id: 'chan', name: '', type: 'D', teamID: '', partners: ['u-me', 'u-ana'] });
    await store.load();
    expect(store.view.title).toBe('U-ANA');
  });

  it('takes the theme that the person has in the host, and does without', async () => {
    const painted: object[] = [];
    around.api.themes = async () => ({ t1: JSON.stringify({ centerChannelBg: '#191b1f', centerChannelColor: '#e3e4e8' }) });
    const dark = new PageStore(around, (theme) => painted.push(theme));
    await dark.load();
    expect(painted).toMatchObject([{ 'center-channel-bg': [25, 27, 31] }]);
    around.api.themes = () => Promise.reject(new CallsError('server'));
    await dark.load();
    expect(dark.view.step).toBe('lobby');
    expect(painted).toHaveLength(1);
  });

  it('needs a channel in its address', async () => {
    const lost = new PageStore({ ...around, channelID: '' });
    await lost.load();
    expect(lost.view).toMatchObject({ step: 'broken', error: { code: 'no_channel' } });
  });
});

describe('a call in another window of ours', () => {
  const windows = () => {
    const said: unknown[] = [];
    const port: Port = { onmessage: null, close: () => undefined, postMessage: (message) => said.push(message) };
    store.keepTabs((hooks) => new Tabs(port, 'here', hooks));
    return { said, hear: (data: object) => port.onmessage?.({ data }) };
  };
  const leave = { type: 'leave', tab: 'there' };

  it('is taken from there when we join, as it was, and given when it is taken from us', async () => {
    const { said, hear } = windows();
    hear({ type: 'in', tab: 'there', channelID: 'chan', unmuted: true });
    await store.load();
    expect(store.view.elsewhere).toMatchObject({ tab: 'there' });
    await store.enter(false);
    expect(said).not.toContainEqual(leave);
    await inCall();
    await env.timers.advance(1000);
    expect(said).toContainEqual(leave);
    expect(socket().actions()).toContain('unmute');
    hear({ type: 'leave', tab: 'here' });
    expect(store.view.status).toEqual({ phase: 'ended', reason: 'left' });
    expect(said.at(-1)).toEqual({ type: 'out', tab: 'here' });
  });

  it('is not taken back by the one that has just given it', async () => {
    const { said, hear } = windows();
    await store.load();
    await store.enter(false);
    await inCall();
    hear({ type: 'in', tab: 'there', channelID: 'chan', unmuted: false });
    expect(said).not.toContainEqual(leave);
  });
});

describe('in the call', () => {
  it('names who is in, and asks for each name once', async () => {
    await store.load();
    await store.join(true);
    await inCall();
    expect(store.view).toMatchObject({ step: 'call', status: { phase: 'connected' }, microphone: 'open', selfID: 'conn1' });
    expect(store.nameOf('u-ana')).toBe('U-ANA');
    event('user_joined', { user_id: 'u-ana', session_id: 's-ana2', call_id: 'call1', v: 2 });
    await settle();
    expect(asked).toEqual([['u-ana']]);
    expect(store.view.spoken.text).toBe('U-ANA joined. 3 people.');
  });

  it.each([
    ['blocked', 'blocked'],
    ['insecure', 'insecure'],
    ['NotFoundError', 'none'],
  ])('goes on without a microphone (%s)', async (detail, microphone) => {
    around.openMicrophone = () => Promise.reject(new CallsError('no_microphone', detail));
    await store.load();
    await store.join(true);
    await inCall();
    expect(store.view).toMatchObject({ microphone, status: { phase: 'connected' } });
    around.openMicrophone = async () => fakeTrack('audio');
    await store.toggleMicrophone();
    expect(store.view.microphone).toBe('open');
    await store.toggleMicrophone();
    expect(socket().actions()).toContain('unmute');
  });

  it('waits for the echo of a press on the microphone, but not for ever', async () => {
    await store.load();
    await store.join(true);
    await inCall();
    await store.toggleMicrophone();
    expect(store.view.switching).toBe(true);
    event('user_unmuted', { session_id: 'conn1', call_id: 'call1', v: 2 });
    expect(store.view.switching).toBe(false);
    await store.toggleMicrophone();
    expect(store.view.switching).toBe(true);
    await env.timers.advance(1000);
    expect(store.view.switching).toBe(false);
  });

  it('keeps the voices and screens that come, and forgets those that go', async () => {
    await store.load();
    await store.join(false);
    await inCall();
    const arrive = (track: EventTarget, stream: EventTarget) => (peer().ontrack as (e: object) => void)({ track, streams: [stream] });
    const track = Object.assign(new EventTarget(), { kind: 'video' });
    const first = new EventTarget();
    arrive(track, first);
    expect(store.view.screens).toMatchObject([{ stream: first }]);
    // The same line is used again for the next share, in another stream; the end of the first must not take the second away.
    const second = new EventTarget();
    arrive(track, second);
    first.dispatchEvent(Object.assign(new Event('removetrack'), { track }));
    expect(store.view.screens).toHaveLength(1);
    second.dispatchEvent(Object.assign(new Event('removetrack'), { track }));
    expect(store.view.screens).toEqual([]);
  });

  it('says nothing when the person thought better of sharing', async () => {
    await store.load();
    await store.join(true);
    await inCall();
    around.captureScreen = () => Promise.reject(new CallsError('screen_cancelled'));
    await store.toggleScreen();
    expect(store.view).toMatchObject({ sharing: false, error: null });
  });

  it('says when the microphone is gone', async () => {
    await store.load();
    const track = fakeTrack('audio');
    around.openMicrophone = async () => track;
    await store.join(true);
    await inCall();
    await store.toggleMicrophone();
    track.onended?.(new Event('ended'));
    await settle();
    expect(store.view.microphone).toBe('lost');
    expect(socket().actions()).toContain('mute');
  });
});

describe('the end', () => {
  const crash = (connID: string, v: number) => event('user_left', { user_id: 'u-me', session_id: connID, reason: 'crashed', call_id: 'call1', v });

  it('goes back in by itself after a fault of the server, unmuted if it was, three times', async () => {
    await store.load();
    await store.join(true);
    await inCall('conn1');
    await store.toggleMicrophone();
    event('user_unmuted', { session_id: 'conn1', call_id: 'call1', v: 2 });
    crash('conn1', 3);
    expect(store.view.status.phase).toBe('reconnecting');
    await env.timers.advance(500);
    await inCall('conn2');
    expect(store.view).toMatchObject({ selfID: 'conn2', status: { phase: 'connected' } });
    await env.timers.advance(1000);
    expect(socket().actions()).toContain('unmute');
    for (const connID of ['conn3', 'conn4']) {
      crash(`conn${Number(connID.at(-1)) - 1}`, 3);
      await env.timers.advance(2000);
      await inCall(connID);
    }
    crash('conn4', 3);
    expect(store.view.status).toEqual({ phase: 'ended', reason: 'crashed' });
    await env.timers.advance(60_000);
    expect(env.sockets).toHaveLength(4);
  });

  it('comes back when the line broke, and again while the server is not there, until it is', async () => {
    await store.load();
    await store.join(true);
    await inCall('conn1');
    await store.toggleMicrophone();
    event('user_unmuted', { session_id: 'conn1', call_id: 'call1', v: 2 });
    peer().becomes('failed');
    await settle();
    expect(store.view.status.phase).toBe('reconnecting');
    await env.timers.advance(500); // the first try: nobody answers
    expect(env.sockets).toHaveLength(2);
    await env.timers.advance(60_000);
    expect(store.view.status.phase).toBe('reconnecting');
    expect(env.sockets.length).toBeGreaterThan(2);
    await inCall('conn9');
    expect(store.view).toMatchObject({ selfID: 'conn9', status: { phase: 'connected' } });
    await env.timers.advance(1000);
    expect(socket().actions()).toContain('unmute');
  });

  it('gives up when the server stays away', async () => {
    await store.load();
    await store.join(false);
    await inCall('conn1');
    peer().becomes('failed');
    await settle();
    await env.timers.advance(600_000);
    expect(store.view.status).toMatchObject({ phase: 'ended' });
  });

  it('gives up at once when it may not come back', async () => {
    await store.load();
    await store.join(false);
    await inCall('conn1');
    peer().becomes('failed');
    await settle();
    await env.timers.advance(500);
    socket().opens();
    socket().receives('hello', { connection_id: 'conn2' });
    event('error', { connID: 'conn2', data: 'forbidden', code: 'forbidden' });
    expect(store.view.status).toMatchObject({ phase: 'ended', reason: 'failed', error: { serverCode: 'forbidden' } });
    await env.timers.advance(600_000);
    expect(env.sockets).toHaveLength(2);
  });

  it('stays out when the person leaves between two tries to come back', async () => {
    await store.load();
    await store.join(false);
    await inCall('conn1');
    peer().becomes('failed');
    await settle();
    expect(store.view.status.phase).toBe('reconnecting');
    store.leave();
    expect(store.view.status).toEqual({ phase: 'ended', reason: 'left' });
    await env.timers.advance(600_000);
    expect(env.sockets).toHaveLength(1);
  });

  it('stays out when the person leaves while the browser still asks for the microphone', async () => {
    const track = fakeTrack('audio');
    let allow: (track: MediaStreamTrack) => void = () => undefined;
    around.openMicrophone = () => new Promise((resolve) => {
      allow = resolve;
    });
    await store.load();
    const joining = store.join(true);
    store.leave();
    expect(store.view).toMatchObject({ busy: false, status: { phase: 'ended', reason: 'left' } });
    allow(track);
    await joining;
    expect(env.sockets).toHaveLength(0);
    expect(track.stopped).toBe(true);
  });

  it('closes the microphone, and can begin anew', async () => {
    const track = fakeTrack('audio');
    around.openMicrophone = async () => track;
    await store.load();
    await store.join(true);
    await inCall();
    store.leave();
    expect(store.view.status).toEqual({ phase: 'ended', reason: 'left' });
    expect(track.stopped).toBe(true);
    await store.again();
    expect(store.view.step).toBe('lobby');
  });
});
