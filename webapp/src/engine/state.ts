/** The state of a channel's call, and the one function that changes it. */

/** One session in the call. A person with two devices is there twice. */
export interface Participant {
  readonly sessionID: string;
  readonly userID: string;
  readonly unmuted: boolean;
  readonly voice: boolean;
  /** When the hand went up, in milliseconds; 0 is down. */
  readonly raisedHand: number;
}

export interface CallState {
  /** Empty when no call is on. */
  readonly callID: string;
  /** The roster's version; 0 before anything is known. */
  readonly v: number;
  readonly startAt: number;
  readonly hostID: string;
  /** The root post of the call's thread; empty while unknown. */
  readonly threadID: string;
  /** Session that shares its screen, empty when nobody does. */
  readonly screenSessionID: string;
  /** By session id, in order of joining. */
  readonly participants: ReadonlyMap<string, Participant>;
  /** An event was missed: what stands here may be wrong until the next snapshot. */
  readonly stale: boolean;
}

export const noCall: CallState = { callID: '', v: 0, startAt: 0, hostID: '', threadID: '', screenSessionID: '', participants: new Map(), stale: false };

/** A whole call as the server stores it. */
export interface Snapshot {
  callID: string;
  v?: number;
  startAt: number;
  hostID: string;
  threadID?: string;
  screenSessionID: string;
  /** We have waved it away, on this or another device. */
  dismissed?: boolean;
  /** `voice` is missing where the server does not say. */
  participants: readonly (Omit<Participant, 'voice'> & { voice?: boolean })[];
}

/** What happened. callID and v are missing on servers that do not send them. */
export type CallEvent = { callID?: string; v?: number } & (
  | { type: 'started'; startAt: number; hostID: string; threadID?: string }
  | { type: 'joined'; sessionID: string; userID: string }
  | { type: 'left'; sessionID: string }
  | { type: 'muted'; sessionID: string; unmuted: boolean }
  | { type: 'voice'; sessionID: string; voice: boolean }
  | { type: 'hand'; sessionID: string; raisedHand: number }
  | { type: 'screen'; sessionID: string; on: boolean }
  | { type: 'host'; hostID: string }
  | { type: 'ended' }
);

/** A participant about whom nothing is known but who it is. */
export function newParticipant(sessionID: string, userID: string): Participant {
  return { sessionID, userID, unmuted: false, voice: false, raisedHand: 0 };
}

/** Puts a snapshot in place of the state; one that is older than what events already told is thrown away. */
export function applySnapshot(state: CallState, snapshot: Snapshot | null): CallState {
  if (!snapshot) {
    return noCall;
  }
  const same = snapshot.callID === state.callID;
  if (same && snapshot.v !== undefined && snapshot.v < state.v) {
    return state;
  }
  const participants = new Map(
    snapshot.participants.map((p) => {
      const voice = p.voice ?? state.participants.get(p.sessionID)?.voice ?? false;
      return [p.sessionID, { ...p, voice: voice && p.unmuted }];
    }),
  );
  const { callID, startAt, hostID, screenSessionID, threadID = '' } = snapshot;
  return { callID, v: snapshot.v ?? (same ? state.v : 0), startAt, hostID, threadID, screenSessionID, participants, stale: false };
}

/** The next state. Events already seen change nothing; a gap in the versions, or another call's event, marks the state stale. */
export function apply(state: CallState, event: CallEvent): CallState {
  if (event.type === 'started') {
    return start(state, event);
  }
  if (event.callID !== undefined && event.callID !== state.callID) {
    // The end of a call that we know nothing of needs no repair; anything else means that we missed a start.
    return event.type === 'ended' || state.stale ? state : { ...state, stale: true };
  }
  if (event.v === undefined || event.type === 'ended') {
    return change(state, event);
  }
  if (event.v <= state.v) {
    return state;
  }
  return { ...change(state, event), v: event.v, stale: state.stale || event.v !== state.v + 1 };
}

function start(state: CallState, event: CallEvent & { type: 'started' }): CallState {
  const callID = event.callID ?? '';
  if (state.callID !== '' && state.callID === callID) {
    return state;
  }
  return { ...noCall, callID, v: event.v ?? 0, startAt: event.startAt, hostID: event.hostID, threadID: event.threadID ?? '' };
}

function change(state: CallState, event: Exclude<CallEvent, { type: 'started' }>): CallState {
  switch (event.type) {
    case 'joined':
      return state.participants.has(event.sessionID) ? state : put(state, newParticipant(event.sessionID, event.userID));
    case 'left': {
      const participants = new Map(state.participants);
      participants.delete(event.sessionID);
      return { ...state, participants, screenSessionID: state.screenSessionID === event.sessionID ? '' : state.screenSessionID };
    }
    case 'muted':
      // Who is muted does not speak: the server says so too, but perhaps later.
      return edit(state, event.sessionID, event.unmuted ? { unmuted: true } : { unmuted: false, voice: false });
    case 'voice':
      return edit(state, event.sessionID, { voice: event.voice });
    case 'hand':
      return edit(state, event.sessionID, { raisedHand: event.raisedHand });
    case 'screen':
      if (event.on) {
        return { ...state, screenSessionID: event.sessionID };
      }
      return state.screenSessionID === event.sessionID ? { ...state, screenSessionID: '' } : state;
    case 'host':
      return { ...state, hostID: event.hostID };
    case 'ended':
      return noCall;
  }
}

function edit(state: CallState, sessionID: string, fields: Partial<Participant>): CallState {
  const old = state.participants.get(sessionID);
  return old ? put(state, { ...old, ...fields }) : state;
}

function put(state: CallState, participant: Participant): CallState {
  return { ...state, participants: new Map(state.participants).set(participant.sessionID, participant) };
}
