import { describe, expect, it } from 'vitest';

import { fakeEnv } from './testing';
import { Pinger } from './channel';
import { decode, encode } from './msgpack';
import golden from '../../../wire/testdata/channel_media_map.json';

describe('decode', () => {
  it.each<[string, number[], unknown[]]>([
    ['small integers', [1, 0x7f], [1, 127]],
    ['wide integers', [0xcc, 200, 0xcd, 1, 0, 0xce, 0, 1, 0, 0], [200, 256, 65536]],
    ['booleans and nil', [0xc2, 0xc3, 0xc0], [false, true, null]],
    ['a short string', [0xa2, 0x68, 0x69], ['hi']],
    ['a string with a length byte', [0xd9, 2, 0x68, 0x69], ['hi']],
    ['nothing after what is cut off', [1, 0xa5, 0x68], [1]],
    ['nothing from an unknown form on', [1, 0xc1, 2], [1]],
    ['nothing of a map that is cut off', [0x82, 1, 2], []],
    ['a length that lies', [0xda, 0xff, 0xff], []],
    ['nothing that is too deep', Array.from({ length: 5000 }, () => 0x81), []],
  ])('%s', (_, bytes, values) => {
    expect(decode(Uint8Array.from(bytes))).toEqual(values);
  });

  it('reads what encode writes', () => {
    expect(decode(encode({ a: 1, b: { c: 'x'.repeat(40) } }))).toEqual([new Map<string, unknown>([['a', 1], ['b', new Map([['c', 'x'.repeat(40)]])]])]);
  });
});

/** What a channel makes of these messages. */
function toldBy(...messages: Uint8Array[]) {
  const channel = { binaryType: 'blob' as BinaryType, readyState: 'open' as RTCDataChannelState, onopen: null, onclose: null, onmessage: null as ((event: MessageEvent) => void) | null, send: () => undefined };
  const told: ReadonlyMap<string, string>[] = [];
  new Pinger(channel, fakeEnv().timers, { open: () => undefined, closed: () => undefined, roundTrip: () => undefined, mediaMap: (senders) => told.push(senders) });
  const say = (bytes: Uint8Array) => channel.onmessage?.({ data: bytes.slice().buffer } as MessageEvent);
  messages.forEach(say);
  return told;
}

it('the channel tells whose media each line carries', () => {
  const told = toldBy(Uint8Array.from([9, ...encode({ 3: { type: 'voice', sender_id: 's-ana' }, 4: { type: 'voice' } })]), Uint8Array.from([9, 1, 2]));
  expect(told).toEqual([new Map([['3', 's-ana']]), new Map()]);
});

it('the channel reads the bytes that the server is tested with', () => {
  const bytes = Uint8Array.from(golden.hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  expect(toldBy(bytes)).toEqual([new Map(Object.entries(golden.lines).map(([mid, line]) => [mid, line.sender_id]))]);
});
