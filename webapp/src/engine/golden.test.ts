/** The golden files that the server's tests read too: one a message. What one side changes, the other side's tests notice. */
import { unzlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { callStateOf, type Emoji, toCallEvent, toReaction, toSnapshot } from './events';
import { type ClientMessage, decodeFrame, encodeFrame } from './frames';
import type { CallEvent, Snapshot } from './state';

type Json = Record<string, unknown>;

const files = Object.fromEntries(
  Object.entries(import.meta.glob<Json>('../../../wire/testdata/*.json', { eager: true, import: 'default' })).map(([path, json]) => [path.split('/').at(-1) ?? '', json]),
);
const named = (pattern: RegExp) => Object.keys(files).filter((name) => pattern.test(name));

function golden(name: string): Json {
  const json = files[name];
  if (!json) {
    throw new Error(`wire/testdata/${name} is missing`);
  }
  return json;
}

const channelID = 'chan0000000000000000000001';
const userA = 'usera000000000000000000001';
const userB = 'userb000000000000000000001';
const connA = 'conna000000000000000000001';
const connB = 'connb000000000000000000001';
const stamp = { callID: 'call0000000000000000000001', v: 7 };

/** The whole call of the golden files. */
const snapshot: Snapshot = {
  ...stamp,
  startAt: 1659712345678,
  hostID: userA,
  threadID: 'post0000000000000000000001',
  screenSessionID: connB,
  participants: [
    { sessionID: connA, userID: userA, unmuted: false, raisedHand: 0, voice: false },
    { sessionID: connB, userID: userB, unmuted: true, raisedHand: 1659712400000, voice: true },
  ],
};

/** What each event means to the reducer; null: nothing. */
const meaning: Record<string, CallEvent | null> = {
  call_start: { type: 'started', ...stamp, v: 1, startAt: 1659712345678, hostID: userA, threadID: 'post0000000000000000000001' },
  call_end: { type: 'ended', ...stamp },
  call_host_changed: { type: 'host', ...stamp, hostID: userB },
  call_state: null,
  channel_enable_voice: null,
  channel_disable_voice: null,
  error: null,
  host_lower_hand: null,
  host_mute: null,
  host_removed: null,
  host_screen_off: null,
  join: null,
  screen_refused: null,
  signal: null,
  user_connected: null,
  user_disconnected: null,
  user_dismissed_notification: null,
  user_reacted: null,
  user_joined: { type: 'joined', ...stamp, sessionID: connA, userID: userA },
  user_left: { type: 'left', ...stamp, sessionID: connB },
  user_muted: { type: 'muted', ...stamp, sessionID: connB, unmuted: false },
  user_unmuted: { type: 'muted', ...stamp, sessionID: connB, unmuted: true },
  user_voice_on: { type: 'voice', ...stamp, sessionID: connB, voice: true },
  user_voice_off: { type: 'voice', ...stamp, sessionID: connB, voice: false },
  user_screen_on: { type: 'screen', ...stamp, sessionID: connB, on: true },
  user_screen_off: { type: 'screen', ...stamp, sessionID: connB, on: false },
  user_raise_hand: { type: 'hand', ...stamp, sessionID: connB, raisedHand: 1659712400000 },
  user_unraise_hand: { type: 'hand', ...stamp, sessionID: connB, raisedHand: 0 },
};

describe('events', () => {
  it.each(named(/^event_/))('%s', (file) => {
    const name = file.replace(/^event_|\.json$/g, '');
    const frame = decodeFrame(JSON.stringify(golden(file)));
    expect(frame).toMatchObject({ name, own: true });
    expect(meaning, `nothing is known here of the event ${name}`).toHaveProperty(name);
    expect(frame && toCallEvent(frame)).toEqual(meaning[name]);
  });

  it('are all there', () => {
    expect(named(/^event_/).map((file) => file.replace(/^event_|\.json$/g, ''))).toEqual(expect.arrayContaining(Object.keys(meaning)));
  });

  it('call_state carries the whole call', () => {
    const frame = decodeFrame(JSON.stringify(golden('event_call_state.json')));
    expect(frame && callStateOf(frame)).toEqual(snapshot);
  });
});

it('a reaction names who, and what', () => {
  const frame = decodeFrame(JSON.stringify(golden('event_user_reacted.json')));
  expect(frame && toReaction(frame)).toEqual({ sessionID: connB, userID: userB, emoji: { name: 'thumbsup', unified: '1F44D', literal: '' } });
});

describe('the channel over HTTP', () => {
  it('carries the whole call', () => {
    expect(toSnapshot(golden('http_channel.json').call)).toEqual(snapshot);
  });

  it('may have nobody in its call', () => {
    expect(toSnapshot(golden('http_channel_empty_call.json').call)?.participants).toEqual([]);
  });

  it('may have no call', () => {
    expect(toSnapshot(golden('http_channel_no_choice.json').call)).toBeNull();
  });
});

const inner = (json: Json) => JSON.parse(String((json.data as Json).data)) as Json;

/** The client message behind each golden file, made from what stands in it where it is data. */
const messages: Record<string, (json: Json) => ClientMessage> = {
  call_state: () => ({ name: 'call_state', data: { channelID } }),
  ice: (json) => ({ name: 'ice', candidate: inner(json) as RTCIceCandidateInit }),
  join: (json) => ({ name: 'join', data: json.data as { channelID: string } }),
  leave: () => ({ name: 'leave' }),
  mute: () => ({ name: 'mute' }),
  react: (json) => ({ name: 'react', emoji: inner(json) as unknown as Emoji }),
  raise_hand: () => ({ name: 'raise_hand' }),
  reconnect: () => ({ name: 'reconnect', data: { channelID, originalConnID: connB, prevConnID: connB } }),
  screen_off: () => ({ name: 'screen_off' }),
  screen_on: (json) => ({ name: 'screen_on', screenStreamID: String(inner(json).screenStreamID) }),
  unmute: () => ({ name: 'unmute' }),
  unraise_hand: () => ({ name: 'unraise_hand' }),
};

describe('client messages', () => {
  it.each(Object.keys(messages))('%s', (name) => {
    const json = golden(`client_${name}.json`);
    const frame = encodeFrame((messages[name] as (json: Json) => ClientMessage)(json), Number(json.seq));
    expect(JSON.parse(String(frame))).toEqual(json);
  });

  it('sdp: the same bytes but for the compressed ones, which inflate to the same', () => {
    const json = golden('client_sdp.json');
    const expected = Uint8Array.from(String(json.frame_hex).match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
    const frame = encodeFrame({ name: 'sdp', description: json.description as { type: string; sdp: string } }, Number(json.seq)) as Uint8Array;
    const zlibAt = expected.indexOf(0x78, expected.indexOf(0xc4));
    expect([...frame.slice(0, zlibAt - 1)]).toEqual([...expected.slice(0, zlibAt - 1)]);
    expect(unzlibSync(frame.slice(zlibAt))).toEqual(unzlibSync(expected.slice(zlibAt)));
  });
});
