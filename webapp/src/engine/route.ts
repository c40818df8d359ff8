/** Which of the server's messages are for us, and what each says: from the frames of the socket to calls of the client. */
import { CallsError, type EndReason, isEndReason } from './errors';
import { callStateOf, type Reaction, toCallEvent, toReaction } from './events';
import type { ServerFrame } from './frames';
import type { Description } from './negotiation';
import type { CallEvent, Snapshot } from './state';

/** What the host of a call can ask of us. */
export type HostRequest = 'mute' | 'screen_off' | 'lower_hand';

/** Who we are to the server. The session is the connection that joined; empty until we are in. */
export interface Self {
  readonly channelID: string;
  readonly connID: string;
  readonly sessionID: string;
}

export interface Recipient {
  joined(): void;
  refused(error: CallsError): void;
  description(description: Description): void;
  candidate(candidate: RTCIceCandidateInit): void;
  screenRefused(holderID: string): void;
  snapshot(snapshot: Snapshot | null): void;
  reaction(reaction: Reaction): void;
  hostRequest(request: HostRequest): void;
  callEnded(callID: string | undefined, reason: EndReason): void;
  /** We are no longer in the call. */
  leftBy(reason: EndReason): void;
  event(event: CallEvent): void;
}

const hostRequests: ReadonlyMap<string, HostRequest> = new Map([['host_mute', 'mute'], ['host_screen_off', 'screen_off'], ['host_lower_hand', 'lower_hand']]);

export function route(frame: ServerFrame, self: Self, to: Recipient): void {
  if (!frame.own) {
    return;
  }
  const { connID } = frame.data;
  if (connID !== undefined) {
    // Another tab of the same user hears all that is for its user.
    if (connID === self.connID || connID === self.sessionID) {
      personal(frame, to);
    }
  } else if (frame.name === 'call_state') {
    if (frame.data.channel_id === self.channelID) {
      to.snapshot(callStateOf(frame));
    }
  } else if ([frame.channelID, frame.data.channelID, frame.data.channel_id].includes(self.channelID)) {
    ofChannel(frame, self, to);
  }
}

/** Messages for this connection alone. */
function personal(frame: ServerFrame, to: Recipient): void {
  switch (frame.name) {
    case 'join':
      to.joined();
      break;
    case 'error':
      to.refused(new CallsError('refused', String(frame.data.data ?? ''), String(frame.data.code ?? '')));
      break;
    case 'signal':
      signal(String(frame.data.data ?? ''), to);
      break;
    case 'screen_refused':
      to.screenRefused(String(frame.data.holder_id ?? ''));
      break;
  }
}

function signal(text: string, to: Recipient): void {
  let said: { type?: unknown; sdp?: unknown; candidate?: unknown };
  try {
    said = JSON.parse(text) ?? {};
  } catch {
    return;
  }
  if ((said.type === 'offer' || said.type === 'answer') && typeof said.sdp === 'string') {
    to.description({ type: said.type, sdp: said.sdp });
  } else if (said.type === 'candidate' && typeof said.candidate === 'object' && said.candidate) {
    to.candidate(said.candidate);
  }
}

function ofChannel(frame: ServerFrame, self: Self, to: Recipient): void {
  if (frame.name === 'user_reacted') {
    const reaction = toReaction(frame);
    if (reaction) {
      to.reaction(reaction);
    }
  } else if (frame.name.startsWith('host_')) {
    const request = hostRequests.get(frame.name);
    if (request && frame.data.session_id === self.sessionID) {
      to.hostRequest(request);
    }
  } else {
    callEvent(frame, self, to);
  }
}

function callEvent(frame: ServerFrame, self: Self, to: Recipient): void {
  const event = toCallEvent(frame);
  const { reason } = frame.data;
  if (event?.type === 'ended') {
    to.callEnded(event.callID, isEndReason(reason) ? reason : 'call_ended');
  } else if (event?.type === 'left' && event.sessionID === self.sessionID) {
    to.leftBy(isEndReason(reason) ? reason : 'connection_closed');
  } else if (event) {
    to.event(event);
  }
}
