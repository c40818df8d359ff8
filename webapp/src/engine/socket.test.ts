import { beforeEach, describe, expect, it } from 'vitest';

import { CallSocket } from './socket';
import { type FakeEnv, type FakeSocket, fakeEnv } from './testing';

let env: FakeEnv;
let socket: CallSocket;
let heard: string[];

beforeEach(() => {
  env = fakeEnv();
  socket = new CallSocket(env, 'ws://site/api/v4/websocket');
  heard = [];
  socket.on('hello', ({ connID }) => heard.push(`hello ${connID}`));
  socket.on('reopened', ({ prevConnID }) => heard.push(`reopened ${prevConnID}`));
  socket.on('lost', () => heard.push('lost'));
  socket.on('gap', () => heard.push('gap'));
  socket.on('failed', () => heard.push('failed'));
  socket.on('frame', (frame) => heard.push(frame.name));
});

function last(): FakeSocket {
  const s = env.sockets.at(-1);
  if (!s) {
    throw new Error('no socket was opened');
  }
  return s;
}

function begin(): void {
  socket.connect();
  last().opens();
  last().receives('hello', { connection_id: 'conn1' });
}

describe('opening', () => {
  it('asks for a new connection and tells its id', () => {
    begin();
    expect(last().url).toBe('ws://site/api/v4/websocket?connection_id=&sequence_number=0');
    expect(heard).toEqual(['hello conn1']);
  });

  it('fails at once when there was no hello: nothing is there to come back to', async () => {
    socket.connect();
    last().breaks();
    await env.timers.advance(60_000);
    expect(heard).toEqual(['failed']);
    expect(env.sockets).toHaveLength(1);
  });

  it('numbers its messages from 1, also over a loss', async () => {
    begin();
    expect(socket.send({ name: 'mute' })).toBe(true);
    last().breaks();
    expect(socket.send({ name: 'unmute' })).toBe(false);
    await env.timers.advance(1000);
    last().opens();
    socket.send({ name: 'leave' });
    expect(env.sockets.flatMap((s) => s.sent.map((f) => JSON.parse(String(f)).seq))).toEqual([1, 2]);
  });
});

describe('coming back', () => {
  it('tries after 1 s, then half a second more each time, and begins anew after a success', async () => {
    begin();
    const opened: number[] = [];
    const makeSocket = env.makeSocket;
    env.makeSocket = (url) => {
      opened.push(env.timers.now());
      return makeSocket(url);
    };
    last().breaks();
    for (const wait of [1000, 1500, 2000]) {
      await env.timers.advance(wait);
      last().breaks();
    }
    await env.timers.advance(2500);
    expect(opened).toEqual([1000, 2500, 4500, 7000]);
    last().opens();
    last().breaks();
    await env.timers.advance(1000);
    expect(opened).toEqual([1000, 2500, 4500, 7000, 8000]);
    expect(heard).toEqual(['hello conn1', 'lost', 'reopened conn1', 'lost']);
  });

  it('names the connection and the next event that it expects', async () => {
    begin();
    last().receives('typing', {});
    last().breaks();
    await env.timers.advance(1000);
    expect(last().url).toBe('ws://site/api/v4/websocket?connection_id=conn1&sequence_number=2');
  });

  it('gives up 30 s after the first loss', async () => {
    begin();
    last().breaks();
    let tries = 0;
    while (!heard.includes('failed') && tries++ < 50) {
      const before = env.sockets.length;
      while (env.sockets.length === before) {
        await env.timers.advance(100);
      }
      last().breaks();
    }
    expect(heard).toEqual(['hello conn1', 'lost', 'failed']);
    expect(env.timers.now()).toBeGreaterThanOrEqual(30_000);
    expect(env.timers.now()).toBeLessThan(38_000);
    const count = env.sockets.length;
    await env.timers.advance(60_000);
    expect(env.sockets).toHaveLength(count);
  });

  it('tells of a gap when the host has forgotten the connection', async () => {
    begin();
    last().breaks();
    await env.timers.advance(1000);
    last().opens();
    last().receives('hello', { connection_id: 'conn2' });
    expect(heard).toEqual(['hello conn1', 'lost', 'reopened conn1', 'hello conn2', 'gap']);
    last().breaks();
    await env.timers.advance(1000);
    expect(last().url).toContain('connection_id=conn2');
  });

  it('stays away after close', async () => {
    begin();
    socket.close();
    await env.timers.advance(60_000);
    expect(env.sockets).toHaveLength(1);
    expect(heard).toEqual(['hello conn1']);
  });
});
