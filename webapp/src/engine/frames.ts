/** Frames of the host's WebSocket: what we send, and the shape of what comes. */
import { zlibSync } from 'fflate';

import { pluginID } from '../manifest';
import type { Emoji } from './events';
import { encode } from './msgpack';

const prefix = `custom_${pluginID}_`;

/** A client message, without its sequence number. `sdp` is the only one that travels as a binary frame. */
export type ClientMessage =
  | { name: 'join'; data: { channelID: string; title?: string; threadID?: string } }
  | { name: 'reconnect'; data: { channelID: string; originalConnID: string; prevConnID: string } }
  | { name: 'sdp'; description: { type: string; sdp: string } }
  | { name: 'ice'; candidate: RTCIceCandidateInit }
  | { name: 'screen_on'; screenStreamID: string }
  | { name: 'call_state'; data: { channelID: string } }
  | { name: 'react'; emoji: Emoji }
  | { name: 'leave' | 'mute' | 'unmute' | 'screen_off' | 'raise_hand' | 'unraise_hand' };

/** Encodes a message: a string for a text frame, bytes for a binary one. */
export function encodeFrame(message: ClientMessage, seq: number): string | Uint8Array<ArrayBuffer> {
  const action = prefix + message.name;
  switch (message.name) {
    case 'sdp': {
      // The host closes the socket at frames above 8 KiB; uncompressed, a description of ten streams is already longer.
      const { type, sdp } = message.description;
      const packed = zlibSync(new TextEncoder().encode(JSON.stringify({ type, sdp })));
      return encode({ action, seq, data: { data: packed } });
    }
    case 'ice':
      return JSON.stringify({ action, seq, data: { data: JSON.stringify(message.candidate) } });
    case 'react':
      return JSON.stringify({ action, seq, data: { data: JSON.stringify(message.emoji) } });
    case 'screen_on':
      return JSON.stringify({ action, seq, data: { data: JSON.stringify({ screenStreamID: message.screenStreamID }) } });
    case 'join':
    case 'reconnect':
    case 'call_state':
      return JSON.stringify({ action, seq, data: message.data });
    default:
      return JSON.stringify({ action, seq });
  }
}

/** An event as the host sends it. `name` is without the plugin's prefix; `own` says whether it had it. */
export interface ServerFrame {
  name: string;
  own: boolean;
  seq: number;
  channelID: string;
  data: Readonly<Record<string, unknown>>;
}

/** Decodes a text frame. Replies to actions, foreign shapes and broken JSON give null: the socket also carries what is not ours. */
export function decodeFrame(text: string): ServerFrame | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(raw) || typeof raw.event !== 'string') {
    return null;
  }
  const own = raw.event.startsWith(prefix);
  const broadcast = isRecord(raw.broadcast) ? raw.broadcast : {};
  return {
    name: own ? raw.event.slice(prefix.length) : raw.event,
    own,
    seq: typeof raw.seq === 'number' ? raw.seq : 0,
    channelID: typeof broadcast.channel_id === 'string' ? broadcast.channel_id : '',
    data: isRecord(raw.data) ? raw.data : {},
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
