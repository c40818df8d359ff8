/** What a page or the widget shows of one's own call: plain values, replaced as a whole at each change. */
import type { User } from '../engine/api';
import type { Status } from '../engine/status';
import type { CallsError } from '../engine/errors';
import type { Emoji } from '../engine/events';
import { type CallState, noCall, type Snapshot } from '../engine/state';
import type { Facts } from './facts';
import { type Grade, noGrade } from './grade';
import { usualSettings, type Settings } from './settings';
import type { Elsewhere } from './tabs';
import { emptyTrail, type Trail } from './trail';

/** A stream that another participant sends. */
export interface Incoming {
  readonly track: MediaStreamTrack;
  readonly stream: MediaStream;
  /** The line of the session description that it comes on. */
  readonly mid: string;
}

/** none: joined to listen. blocked, insecure: why the browser gives none. lost: it was there and is gone. */
export type Microphone = 'open' | 'none' | 'blocked' | 'insecure' | 'lost';

export interface Device {
  readonly id: string;
  readonly label: string;
}

export interface Devices {
  readonly inputs: readonly Device[];
  readonly outputs: readonly Device[];
}

/** A reaction while it is shown. */
export interface ShownReaction {
  readonly id: number;
  readonly sessionID: string;
  readonly userID: string;
  readonly emoji: Emoji;
}

export interface View {
  readonly step: 'loading' | 'login' | 'lobby' | 'call' | 'broken';
  /** Something the person just asked for is under way. */
  readonly busy: boolean;
  readonly me: User | null;
  readonly title: string;
  /** O public, P private, D direct, G group; empty while unknown. */
  readonly channelType: string;
  /** The call as it was when the page asked, before joining. */
  readonly waiting: Snapshot | null;
  /** Another window of the person's that is in this call. */
  readonly elsewhere: Elsewhere | null;
  readonly status: Status;
  readonly call: CallState;
  readonly selfID: string;
  readonly roundTrip: number | null;
  readonly facts: Facts | null;
  /** How good the connection has been lately. */
  readonly grade: Grade;
  /** We have come back after so long without a connection. */
  readonly missed: { readonly ms: number; readonly at: number } | null;
  /** Sessions of others whose voices arrive with holes that are not our network's. */
  readonly weak: ReadonlySet<string>;
  readonly names: ReadonlyMap<string, string>;
  readonly microphone: Microphone;
  /** The microphone's switch was pressed and the server has not echoed it yet. */
  readonly switching: boolean;
  readonly voices: readonly Incoming[];
  readonly screens: readonly Incoming[];
  /** Whose media each line carries, by mid; empty until the server has told. */
  readonly senders: ReadonlyMap<string, string>;
  readonly sharing: boolean;
  /** What the sharer asks the encoder to keep: sharp text, or smooth motion. */
  readonly shareMode: 'detail' | 'motion';
  readonly reactions: readonly ShownReaction[];
  readonly trail: Trail;
  readonly devices: Devices;
  readonly settings: Settings;
  /** The person speaks into a muted microphone. */
  readonly talksMuted: boolean;
  /** The host of the call did this, and the person has not yet waved it away. */
  readonly byHost: '' | 'mute' | 'screen_off' | 'lower_hand';
  readonly soundBlocked: boolean;
  /** Counts the presses on "turn on sound": with each the sound is tried again. */
  readonly soundAttempt: number;
  readonly hostControls: boolean;
  readonly screenAllowed: boolean;
  readonly error: CallsError | null;
  /** Last words for those who listen to the page instead of looking at it; the number tells two equal ones apart. */
  readonly spoken: { readonly text: string; readonly id: number };
}

export const emptyView: View = {
  step: 'loading', busy: false, me: null, title: '', channelType: '', waiting: null, elsewhere: null, status: { phase: 'idle' }, call: noCall, selfID: '',
  roundTrip: null, facts: null, grade: noGrade, missed: null, weak: new Set(), names: new Map(), microphone: 'none', switching: false, voices: [], screens: [],
  senders: new Map(), sharing: false, shareMode: 'detail', reactions: [], trail: emptyTrail, devices: { inputs: [], outputs: [] }, settings: usualSettings,
  talksMuted: false, byHost: '', soundBlocked: false, soundAttempt: 0, hostControls: false, screenAllowed: true, error: null, spoken: { text: '', id: 0 },
};

/** What of the view is the call's own, as it is before a call: a new call begins with it. */
export const noCallView: Partial<View> = {
  call: noCall, selfID: '', roundTrip: null, facts: null, grade: noGrade, missed: null, weak: new Set(), voices: [], screens: [], senders: new Map(),
  sharing: false, reactions: [], talksMuted: false, byHost: '', error: null, switching: false, soundBlocked: false,
};

/** Whose voice a stream is: what the server tells, or until it has the only other one's; empty when nobody can know. */
export function senderOf(view: View, voice: Incoming): string {
  const told = view.senders.get(voice.mid);
  if (told !== undefined) {
    return told;
  }
  const others = [...view.call.participants.keys()].filter((id) => id !== view.selfID);
  return others.length === 1 ? (others[0] ?? '') : '';
}

/** Whether we may do to others what a host may. */
export function isHost(view: View): boolean {
  return view.hostControls && view.call.participants.get(view.selfID)?.userID === view.call.hostID;
}
