import { unzlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { decodeFrame, encodeFrame } from './frames';
import { decodeUint, encode } from './msgpack';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The example of the protocol's documentation: seq 2, payload {"type":"offer","sdp":"v=0"}, in 98 bytes. */
const documented = Uint8Array.from([
  0x83, 0xa6, ...new TextEncoder().encode('action'), 0xbf, ...new TextEncoder().encode('custom_com.mattermost.calls_sdp'),
  0xa3, ...new TextEncoder().encode('seq'), 0x02, 0xa4, ...new TextEncoder().encode('data'), 0x81, 0xa4, ...new TextEncoder().encode('data'), 0xc4, 0x28,
  0x78, 0x9c, 0xaa, 0x56, 0x2a, 0xa9, 0x2c, 0x48, 0x55, 0xb2, 0x52, 0xca, 0x4f, 0x4b, 0x4b, 0x2d, 0x52, 0xd2, 0x51, 0x2a,
  0x4e, 0x29, 0x50, 0xb2, 0x52, 0x2a, 0xb3, 0x35, 0x50, 0xaa, 0x05, 0x04, 0x00, 0x00, 0xff, 0xff, 0x84, 0x53, 0x08, 0xa7,
]);
const binAt = 56; // where the length of the byte string stands

describe('the sdp frame', () => {
  const frame = encodeFrame({ name: 'sdp', description: { type: 'offer', sdp: 'v=0' } }, 2);

  it('is the documented one up to the compressed bytes, which only have to inflate to the same', () => {
    if (typeof frame === 'string') {
      throw new Error('sdp must be a binary frame');
    }
    expect(documented.length).toBe(98);
    expect([...frame.slice(0, binAt + 1)]).toEqual([...documented.slice(0, binAt + 1)]);
    expect(frame[binAt + 1]).toBe(frame.length - binAt - 2);
    expect(frame[binAt + 2]).toBe(0x78);
    const inflated = text(unzlibSync(frame.slice(binAt + 2)));
    expect(inflated).toBe(text(unzlibSync(documented.slice(binAt + 2))));
    expect(inflated).toBe('{"type":"offer","sdp":"v=0"}');
  });

  it('stays under the 8 KiB at which the host closes the socket, even for an answer of a hundred streams', () => {
    const section = (mid: number) =>
      `m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\n` +
      `a=fingerprint:sha-256 ${'AB:'.repeat(31)}CD\r\na=setup:active\r\na=mid:${mid}\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n`;
    const sdp = `v=0\r\n${Array.from({ length: 100 }, (_, i) => section(i)).join('')}`;
    expect(sdp.length).toBeGreaterThan(8192);
    expect(encodeFrame({ name: 'sdp', description: { type: 'answer', sdp } }, 70_000).length).toBeLessThan(8192);
  });
});

describe('text frames', () => {
  it.each([
    [{ name: 'join', data: { channelID: 'chan', title: '' } }, '{"action":"custom_com.mattermost.calls_join","seq":7,"data":{"channelID":"chan","title":""}}'],
    [{ name: 'mute' }, '{"action":"custom_com.mattermost.calls_mute","seq":7}'],
    [{ name: 'screen_on', screenStreamID: 's1' }, '{"action":"custom_com.mattermost.calls_screen_on","seq":7,"data":{"data":"{\\"screenStreamID\\":\\"s1\\"}"}}'],
    [
      { name: 'ice', candidate: { candidate: 'candidate:1', sdpMid: '0' } },
      '{"action":"custom_com.mattermost.calls_ice","seq":7,"data":{"data":"{\\"candidate\\":\\"candidate:1\\",\\"sdpMid\\":\\"0\\"}"}}',
    ],
  ] as const)('%j', (message, expected) => {
    expect(encodeFrame(message, 7)).toBe(expected);
  });
});

describe('decodeFrame', () => {
  it('takes the plugin prefix off and keeps the channel of the broadcast', () => {
    const raw = { event: 'custom_com.mattermost.calls_user_muted', data: { session_id: 's' }, broadcast: { channel_id: 'chan' }, seq: 14 };
    expect(decodeFrame(JSON.stringify(raw))).toEqual({ name: 'user_muted', own: true, seq: 14, channelID: 'chan', data: { session_id: 's' } });
  });

  it('marks the events of others', () => {
    expect(decodeFrame('{"event":"posted","data":{},"seq":1}')?.own).toBe(false);
    expect(decodeFrame('{"event":"custom_other_join","data":{},"seq":1}')).toMatchObject({ name: 'custom_other_join', own: false });
  });

  it.each(['', 'no json', '[]', '{"status":"OK","seq_reply":1}', '{"event":5}', 'null'])('gives null for %j', (raw) => {
    expect(decodeFrame(raw)).toBeNull();
  });

  it('survives data and broadcast of the wrong type', () => {
    expect(decodeFrame('{"event":"x","data":[1],"broadcast":"y","seq":"z"}')).toEqual({ name: 'x', own: false, seq: 0, channelID: '', data: {} });
  });
});

describe('msgpack', () => {
  it.each([
    ['0', 0, [0x00]],
    ['127', 127, [0x7f]],
    ['128', 128, [0xcc, 0x80]],
    ['256', 256, [0xcd, 0x01, 0x00]],
    ['65536', 65536, [0xce, 0x00, 0x01, 0x00, 0x00]],
    ['4294967295', 0xffffffff, [0xce, 0xff, 0xff, 0xff, 0xff]],
  ])('writes and reads %s', (_, n, bytes) => {
    expect([...encode(n)]).toEqual(bytes);
    expect(decodeUint(Uint8Array.from(bytes))).toBe(n);
  });

  it.each([[-1], [1.5], [2 ** 32], [Number.NaN]])('refuses %s', (n) => {
    expect(() => encode(n)).toThrow(RangeError);
  });

  it('chooses the head of strings and bytes by their length', () => {
    expect([...encode('x'.repeat(31)).slice(0, 1)]).toEqual([0xbf]);
    expect([...encode('x'.repeat(32)).slice(0, 2)]).toEqual([0xd9, 32]);
    expect([...encode('x'.repeat(256)).slice(0, 3)]).toEqual([0xda, 1, 0]);
    expect([...encode(new Uint8Array(255)).slice(0, 2)]).toEqual([0xc4, 255]);
    expect([...encode(new Uint8Array(65536)).slice(0, 5)]).toEqual([0xc6, 0, 1, 0, 0]);
  });

  it.each([[[]], [[0xcc]], [[0xcd, 1]], [[0xc0]], [[0xa1, 0x61]], [[0xe0]]])('reads no integer from %j', (bytes) => {
    expect(decodeUint(Uint8Array.from(bytes))).toBeNull();
  });
});
