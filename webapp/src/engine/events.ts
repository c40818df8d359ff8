/** From the server's events to those of the reducer. Only the newer family, keyed by session, is read: the older one repeats it by user. */
import { isRecord, type ServerFrame } from './frames';
import type { CallEvent, Snapshot } from './state';

/** Reads a state event; null for names that say nothing about a call's state, and for events without what they must carry. */
export function toCallEvent(frame: ServerFrame): CallEvent | null {
  const { data } = frame;
  const version = versionOf(data);
  if (frame.name === 'call_start') {
    const hostID = text(data.host_id) || text(data.owner_id);
    return { type: 'started', ...version, callID: text(data.call_id) || text(data.id), startAt: number(data.start_at), hostID, threadID: text(data.thread_id) };
  }
  if (frame.name === 'call_end') {
    return { type: 'ended', ...version };
  }
  if (frame.name === 'call_host_changed') {
    return { type: 'host', ...version, hostID: text(data.hostID) };
  }
  const sessionID = text(data.session_id);
  if (!sessionID) {
    return null;
  }
  switch (frame.name) {
    case 'user_joined':
      return { type: 'joined', ...version, sessionID, userID: text(data.user_id) };
    case 'user_left':
      return { type: 'left', ...version, sessionID };
    case 'user_muted':
    case 'user_unmuted':
      return { type: 'muted', ...version, sessionID, unmuted: frame.name === 'user_unmuted' };
    case 'user_voice_on':
    case 'user_voice_off':
      return { type: 'voice', ...version, sessionID, voice: frame.name === 'user_voice_on' };
    case 'user_raise_hand':
    case 'user_unraise_hand':
      return { type: 'hand', ...version, sessionID, raisedHand: number(data.raised_hand) };
    case 'user_screen_on':
    case 'user_screen_off':
      return { type: 'screen', ...version, sessionID, on: frame.name === 'user_screen_on' };
    default:
      return null;
  }
}

function versionOf(data: Readonly<Record<string, unknown>>): { callID?: string; v?: number } {
  return {
    ...(typeof data.call_id === 'string' && data.call_id !== '' ? { callID: data.call_id } : {}),
    ...(typeof data.v === 'number' ? { v: data.v } : {}),
  };
}

/** One emoji that somebody threw into the call. It is no part of the call's state: it is shown and gone. */
export interface Reaction {
  readonly sessionID: string;
  readonly userID: string;
  readonly emoji: Emoji;
}

/** An emoji as the host's clients name it; `unified` is its code points in hexadecimal, joined by hyphens. */
export interface Emoji {
  readonly name: string;
  readonly unified: string;
  readonly skin?: string;
  readonly literal?: string;
}

export function toReaction(frame: ServerFrame): Reaction | null {
  const { data } = frame;
  const emoji = isRecord(data.emoji) ? data.emoji : {};
  const sessionID = text(data.session_id);
  if (sessionID === '' || (text(emoji.unified) === '' && text(emoji.literal) === '')) {
    return null;
  }
  return { sessionID, userID: text(data.user_id) || text(data.userID), emoji: { name: text(emoji.name), unified: text(emoji.unified), literal: text(emoji.literal) } };
}

/** Reads a call object: that of GET /{channel_id}, and that in a `call_state` event. null when it is not one. */
export function toSnapshot(raw: unknown, v?: unknown): Snapshot | null {
  if (!isRecord(raw) || typeof raw.id !== 'string' || raw.id === '') {
    return null;
  }
  const version = typeof raw.v === 'number' ? raw.v : v;
  const sessions = Array.isArray(raw.sessions) ? raw.sessions.filter(isRecord) : [];
  return {
    callID: raw.id,
    ...(typeof version === 'number' ? { v: version } : {}),
    startAt: number(raw.start_at),
    hostID: text(raw.host_id) || text(raw.owner_id),
    threadID: text(raw.thread_id),
    screenSessionID: text(raw.screen_sharing_session_id),
    // The server names nobody else in it.
    ...(isRecord(raw.dismissed_notification) && Object.values(raw.dismissed_notification).includes(true) ? { dismissed: true } : {}),
    participants: sessions
      .filter((s) => text(s.session_id) !== '')
      .map((s) => ({
        sessionID: text(s.session_id),
        userID: text(s.user_id),
        unmuted: s.unmuted === true,
        raisedHand: number(s.raised_hand),
        ...(typeof s.voice === 'boolean' ? { voice: s.voice } : {}),
      })),
  };
}

/** Reads the `call` of a `call_state` event, which is JSON within JSON. */
export function callStateOf(frame: ServerFrame): Snapshot | null {
  try {
    return toSnapshot(JSON.parse(text(frame.data.call)), frame.data.v);
  } catch {
    return null;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
