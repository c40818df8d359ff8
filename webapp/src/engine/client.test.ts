import { beforeEach, describe, expect, it } from 'vitest';

import { busyRetryMs, CallsClient, connectTimeoutMs, reasonGraceMs } from './client';
import { CallsError } from './errors';
import type { Snapshot } from './state';
import { type FakeEnv, type FakePeer, type FakeSocket, fakeEnv, fakeStream, fakeTrack, settle } from './testing';
import { earlyOfferMs } from './voice';

const prefix = 'custom_com.mattermost.calls_';

let env: FakeEnv;
let client: CallsClient;
let stored: Snapshot | null;
let phases: string[];

beforeEach(() => {
  env = fakeEnv();
  stored = null;
  const api = { iceServers: async () => [], call: async () => ({ channelID: 'chan', enabled: true, call: stored }) };
  client = new CallsClient(env, { channelID: 'chan', socketURL: 'ws://site/api/v4/websocket', api });
  phases = [];
  client.on('status', (status) => phases.push(status.phase));
});

const socket = () => env.sockets.at(-1) as FakeSocket;
const peer = () => env.peers.at(-1) as FakePeer;
const event = (name: string, data: object) => socket().receives(prefix + name, data, 'chan');

async function joined(): Promise<void> {
  client.join();
  await settle();
  socket().opens();
  socket().receives('hello', { connection_id: 'conn1' });
  event('call_start', { id: 'call1', channelID: 'chan', start_at: 5, host_id: 'u-me', call_id: 'call1', v: 1 });
  event('join', { connID: 'conn1' });
  event('user_joined', { user_id: 'u-me', session_id: 'conn1', call_id: 'call1', v: 2 });
  await settle();
}

async function connected(): Promise<void> {
  await joined();
  event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
  await settle();
  peer().becomes('connected');
}

/** What the client sent since the last call of this. */
function said(): string[] {
  const actions = socket().actions();
  socket().sent.length = 0;
  return actions;
}

describe('joining', () => {
  it('waits for the hello, joins, and offers only a data channel with the known label', async () => {
    await connected();
    expect(socket().actions()).toEqual(['join', '(binary)']);
    expect(peer().channel.label).toBe('calls-dc');
    expect(peer().transceivers).toEqual([]);
    expect(phases).toEqual(['connecting', 'joining', 'negotiating', 'connected']);
    expect(client.self).toMatchObject({ userID: 'u-me', unmuted: false });
  });

  it('ignores the acknowledgement of another tab of the same user', async () => {
    client.join();
    await settle();
    socket().opens();
    socket().receives('hello', { connection_id: 'conn1' });
    event('join', { connID: 'elsewhere' });
    expect(client.status.phase).toBe('joining');
  });

  it('ends with the words of a refusal', async () => {
    client.join();
    await settle();
    socket().opens();
    socket().receives('hello', { connection_id: 'conn1' });
    event('error', { connID: 'conn1', data: 'user cannot join because of limits', code: 'call_full' });
    expect(client.status).toMatchObject({ phase: 'ended', reason: 'failed', error: { code: 'refused', serverCode: 'call_full' } });
  });

  it('gives up when no media flows in time', async () => {
    await joined();
    await env.timers.advance(connectTimeoutMs);
    expect(client.status).toMatchObject({ phase: 'ended', error: { code: 'connect_timeout', detail: 'negotiating' } });
    expect(peer().connectionState).toBe('closed');
  });

  it('asks again when the server was asked too much, and gives up with the rest', async () => {
    let asked = 0;
    const iceServers = async () => {
      if (++asked < 3) {
        throw new CallsError('busy');
      }
      return [];
    };
    const patient = new CallsClient(env, { channelID: 'chan', socketURL: 'ws://site/api/v4/websocket', api: { iceServers, call: async () => ({ channelID: 'chan', enabled: true, call: null }) } });
    patient.join();
    await settle();
    expect([asked, env.sockets.length]).toEqual([1, 0]);
    await env.timers.advance(busyRetryMs);
    await settle();
    await env.timers.advance(busyRetryMs);
    await settle();
    expect([asked, env.sockets.length]).toEqual([3, 1]);
    await env.timers.advance(connectTimeoutMs);
    expect(patient.status).toMatchObject({ phase: 'ended', error: { code: 'connect_timeout' } });
  });

  it('asks no more once it has left', async () => {
    let asked = 0;
    const iceServers = async () => {
      asked++;
      throw new CallsError('busy');
    };
    const gone = new CallsClient(env, { channelID: 'chan', socketURL: 'ws://site/api/v4/websocket', api: { iceServers, call: async () => ({ channelID: 'chan', enabled: true, call: null }) } });
    gone.join();
    await settle();
    gone.leave();
    await env.timers.advance(10 * busyRetryMs);
    await settle();
    expect(asked).toBe(1);
  });

  it("keeps other channels' events out", async () => {
    await connected();
    socket().receives(`${prefix}user_joined`, { user_id: 'u-x', session_id: 's-x', call_id: 'call9', v: 7 }, 'other');
    expect([...client.state.participants.keys()]).toEqual(['conn1']);
    expect(client.state.stale).toBe(false);
  });
});

describe('the microphone', () => {
  it('says unmute before the offer that it causes, then only swaps the track', async () => {
    await connected();
    const track = fakeTrack('audio');
    await client.setMicrophone(track);
    said();
    await client.unmute();
    await settle();
    expect(said()).toEqual(['unmute', '(binary)']);
    expect(peer().transceivers).toMatchObject([{ direction: 'sendonly', sender: { track } }]);
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
    await client.mute();
    expect(peer().transceivers[0]?.sender.track).toBeNull();
    await client.unmute();
    await settle();
    expect(peer().transceivers).toHaveLength(1);
    expect(said()).toEqual(['mute', 'unmute']);
  });

  it('shows itself open only after the echo', async () => {
    await connected();
    await client.setMicrophone(fakeTrack('audio'));
    await client.unmute();
    expect(client.self?.unmuted).toBe(false);
    event('user_unmuted', { userID: 'u-me', session_id: 'conn1', call_id: 'call1', v: 3 });
    expect(client.self?.unmuted).toBe(true);
  });

  it('cannot be opened where there is none', async () => {
    await connected();
    await expect(client.unmute()).rejects.toThrow(CallsError);
  });

  it('opens once connected, when that was asked for before', async () => {
    await joined();
    await client.setMicrophone(fakeTrack('audio'));
    await client.unmute();
    expect(socket().actions()).not.toContain('unmute');
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
    await settle();
    peer().becomes('connected');
    await settle();
    expect(socket().actions()).not.toContain('unmute');
    // The server's first offer comes at this moment; ours waits until that is answered.
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'offer', sdp: 'o' }) });
    await settle();
    expect(socket().actions().slice(-3)).toEqual(['(binary)', 'unmute', '(binary)']);
    await env.timers.advance(earlyOfferMs);
    expect(socket().actions().filter((action) => action === 'unmute')).toHaveLength(1);
  });

  it('opens without the offer of a server that makes none', async () => {
    await joined();
    await client.setMicrophone(fakeTrack('audio'));
    await client.unmute();
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
    await settle();
    peer().becomes('connected');
    await env.timers.advance(earlyOfferMs);
    expect(socket().actions().slice(-2)).toEqual(['unmute', '(binary)']);
  });
});

describe('the screen', () => {
  const share = () => {
    const track = fakeTrack('video');
    return { track, stream: fakeStream('screen-1', [track]) };
  };

  it('claims the slot before the offer, and gives it back', async () => {
    await connected();
    said();
    const { track, stream } = share();
    await client.shareScreen(stream);
    await settle();
    expect(said()).toEqual(['screen_on', '(binary)']);
    await client.unshareScreen();
    expect(said()[0]).toBe('screen_off');
    expect(track.stopped).toBe(true);
    expect(peer().transceivers[0]).toMatchObject({ direction: 'inactive', sender: { track: null } });
  });

  it('goes over the same line, and under the same stream, the next time', async () => {
    await connected();
    const answer = async () => {
      await settle();
      event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
      await settle();
    };
    await client.shareScreen(share().stream);
    await answer();
    await client.unshareScreen();
    await answer();
    const { track, stream } = share();
    await client.shareScreen(stream);
    await answer();
    expect(socket().actions().slice(-6)).toEqual(['screen_on', '(binary)', 'screen_off', '(binary)', 'screen_on', '(binary)']);
    expect(peer().transceivers).toMatchObject([{ direction: 'sendonly', sender: { track } }]);
    const announced = socket().sent.filter((frame) => String(frame).includes('screen_on')).map((frame) => JSON.parse(String(frame)).data.data);
    expect(announced).toEqual(Array(2).fill('{"screenStreamID":"stream"}'));
  });

  it('has its sound on a line of its own, which falls silent when the next share has none', async () => {
    await connected();
    const answer = async () => {
      await settle();
      event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
      await settle();
    };
    const [picture, sound] = [fakeTrack('video'), fakeTrack('audio')];
    await client.shareScreen(fakeStream('screen-1', [picture, sound]));
    await answer();
    expect(peer().transceivers.map((line) => line.sender.track)).toEqual([picture, sound]);
    await client.unshareScreen();
    await answer();
    expect(sound.stopped).toBe(true);
    const { track, stream } = share();
    await client.shareScreen(stream);
    await answer();
    expect(peer().transceivers).toMatchObject([{ direction: 'sendonly', sender: { track } }, { direction: 'inactive', sender: { track: null } }]);
  });

  it('is refused while another shares, and the capture ends', async () => {
    await connected();
    event('user_joined', { user_id: 'u-x', session_id: 's-x', call_id: 'call1', v: 3 });
    event('user_screen_on', { userID: 'u-x', session_id: 's-x', call_id: 'call1', v: 4 });
    const { track, stream } = share();
    await expect(client.shareScreen(stream)).rejects.toMatchObject({ code: 'screen_refused', detail: 'u-x' });
    expect(track.stopped).toBe(true);
  });

  it('ends when the server refuses it', async () => {
    await connected();
    const { track, stream } = share();
    const errors: CallsError[] = [];
    client.on('error', (error) => errors.push(error));
    await client.shareScreen(stream);
    event('screen_refused', { connID: 'conn1', call_id: 'call1', holder_id: 'u-x' });
    expect(track.stopped).toBe(true);
    expect(errors).toMatchObject([{ code: 'screen_refused', detail: 'u-x' }]);
  });
});

describe('losses', () => {
  it('comes back under its old name and says what it could not say', async () => {
    await connected();
    await client.setMicrophone(fakeTrack('audio'));
    await client.unmute();
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'answer', sdp: 'a' }) });
    await settle();
    socket().breaks();
    expect(client.status.phase).toBe('reconnecting');
    await client.mute();
    await env.timers.advance(1000);
    socket().opens();
    expect(socket().actions()).toEqual(['reconnect', 'mute']);
    expect(JSON.parse(String(socket().sent[0])).data).toEqual({ channelID: 'chan', originalConnID: 'conn1', prevConnID: 'conn1' });
    expect(client.status.phase).toBe('connected');
    // The host knows us by another id now; signals still carry the first one.
    socket().receives('hello', { connection_id: 'conn2' });
    event('signal', { connID: 'conn1', data: JSON.stringify({ type: 'offer', sdp: 'server' }) });
    await settle();
    expect(peer().log).toContain('answered');
  });

  it('asks for the whole call after a gap', async () => {
    await connected();
    stored = { callID: 'call1', v: 9, startAt: 5, hostID: 'u-me', screenSessionID: '', participants: [{ sessionID: 'conn1', userID: 'u-me', unmuted: true, raisedHand: 0 }] };
    event('user_left', { user_id: 'u-x', session_id: 's-x', call_id: 'call1', v: 8 });
    expect(client.state.stale).toBe(true);
    await env.timers.advance(1000);
    expect(client.state).toMatchObject({ stale: false, v: 9 });
    expect(client.self?.unmuted).toBe(true);
  });

  it('takes the state that the server sends on joining', async () => {
    await joined();
    const call = { id: 'call1', start_at: 5, sessions: [{ session_id: 's-a', user_id: 'u-a', unmuted: true, voice: true, raised_hand: 0 }] };
    socket().receives(`${prefix}call_state`, { channel_id: 'chan', call: JSON.stringify(call), call_id: 'call1', v: 6 });
    expect(client.state).toMatchObject({ callID: 'call1', v: 6 });
    expect(client.state.participants.get('s-a')).toMatchObject({ unmuted: true, voice: true });
  });
});

describe('the end', () => {
  it('says leave, and closes everything', async () => {
    await connected();
    said();
    client.leave();
    expect(socket().actions()).toEqual(['leave']);
    expect(client.status).toEqual({ phase: 'ended', reason: 'left' });
    expect(peer().connectionState).toBe('closed');
    expect(socket().readyState).toBe(3);
  });

  it.each([
    ['call_end', { reason: 'shutdown', call_id: 'call1', v: 3 }, 'shutdown'],
    ['call_end', {}, 'call_ended'],
    ['user_left', { user_id: 'u-me', session_id: 'conn1', reason: 'crashed', call_id: 'call1', v: 3 }, 'crashed'],
    ['user_left', { user_id: 'u-me', session_id: 'conn1', call_id: 'call1', v: 3 }, 'connection_closed'],
  ])('%s %j', async (name, data, reason) => {
    await connected();
    event(name, data);
    expect(client.status).toEqual({ phase: 'ended', reason });
  });

  it('is there when the server, back from elsewhere, does not know us any more', async () => {
    await connected();
    socket().breaks();
    await env.timers.advance(1000);
    socket().opens();
    socket().receives('hello', { connection_id: 'conn2' });
    event('error', { connID: 'conn1', data: 'You were away for too long. Please join again.', code: 'disconnected' });
    expect(client.status).toEqual({ phase: 'ended', reason: 'connection_closed' });
  });

  it("leaves other people's ends alone", async () => {
    await connected();
    event('user_joined', { user_id: 'u-me', session_id: 'my-phone', call_id: 'call1', v: 3 });
    event('user_left', { user_id: 'u-me', session_id: 'my-phone', reason: 'left', call_id: 'call1', v: 4 });
    expect(client.status.phase).toBe('connected');
  });

  it('waits for the reason when the server closes the connection first', async () => {
    await connected();
    peer().channel.onclose?.();
    event('user_left', { user_id: 'u-me', session_id: 'conn1', reason: 'kicked', call_id: 'call1', v: 3 });
    expect(client.status).toMatchObject({ reason: 'kicked' });
  });

  it('does not wait for ever', async () => {
    await connected();
    peer().channel.onclose?.();
    await env.timers.advance(reasonGraceMs);
    expect(client.status).toMatchObject({ reason: 'connection_closed' });
  });

  it('comes when the media fails for good', async () => {
    await connected();
    peer().becomes('disconnected');
    expect(client.status.phase).toBe('reconnecting');
    peer().becomes('failed');
    expect(client.status).toMatchObject({ reason: 'ice_failed' });
  });
});

describe('the data channel', () => {
  it('is pinged each second and tells the round trip', async () => {
    await connected();
    const trips: number[] = [];
    client.on('roundTrip', (ms) => trips.push(ms));
    const channel = peer().channel;
    channel.readyState = 'open';
    channel.onopen?.();
    expect(channel.sent.map((b) => [...b])).toEqual([[1], [8]]);
    await env.timers.advance(40);
    channel.onmessage?.({ data: Uint8Array.of(0xcc, 2).buffer });
    await env.timers.advance(2000);
    expect(channel.sent.map((b) => [...b])).toEqual([[1], [8], [1], [1]]);
    expect(trips).toEqual([40]);
  });
});
