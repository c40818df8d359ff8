/** The calls of all channels, as every user of the host sees them. It is the reducer that the host keeps for the plugin; everything in it is plain data. */
import type { Config } from '../engine/api';
import { apply, applySnapshot, type CallEvent, type CallState, noCall, type Snapshot } from '../engine/state';
import { pluginID } from '../manifest';
import type { Elsewhere } from '../page/tabs';

/** The key under which the host keeps a plugin's reducer. */
export const stateKey = `plugins-${pluginID}`;
const prefix = `${pluginID}/`;

/** How long a call rings, for who hears it begin and for who opens the page meanwhile. */
export const ringMs = 30_000;

/** Our own part in a call. */
export interface Mine {
  readonly channelID: string;
  readonly phase: 'connecting' | 'connected' | 'reconnecting';
  readonly unmuted?: boolean;
  readonly sharing?: boolean;
}

export interface CallsState {
  readonly calls: Readonly<Record<string, CallState>>;
  /** The channel's own choice; missing or null is none. */
  readonly enabled: Readonly<Record<string, boolean | null>>;
  readonly config: Config | null;
  readonly mine: Mine | null;
  /** The calls that other windows of ours are in. */
  readonly elsewhere: readonly Elsewhere[];
  /** Calls whose toast or ringing was waved away, by call id. */
  readonly dismissed: Readonly<Record<string, true>>;
  readonly names: Readonly<Record<string, string>>;
}

export const emptyState: CallsState = { calls: {}, enabled: {}, config: null, mine: null, elsewhere: [], dismissed: {}, names: {} };

export type CallsAction =
  | { kind: 'config'; config: Config }
  | { kind: 'channels'; channels: readonly { channelID: string; enabled: boolean | null; call: Snapshot | null }[] }
  | { kind: 'event'; channelID: string; event: CallEvent }
  | { kind: 'enabled'; channelID: string; enabled: boolean }
  | { kind: 'mine'; mine: Mine | null }
  | { kind: 'elsewhere'; elsewhere: readonly Elsewhere[] }
  | { kind: 'dismissed'; callID: string }
  | { kind: 'names'; names: Readonly<Record<string, string>> }
  | { kind: 'signedOut' };

/** Wraps an action of ours as the host's store wants it. */
export function hostAction(action: CallsAction): { type: string } & Record<string, unknown> {
  return { type: prefix + action.kind, action };
}

export function reducer(state: unknown, hostAction: { type: string; action?: unknown }): CallsState {
  const now = (state as CallsState | undefined) ?? emptyState;
  return hostAction.type.startsWith(prefix) && hostAction.action ? change(now, hostAction.action as CallsAction) : now;
}

export function change(state: CallsState, action: CallsAction): CallsState {
  switch (action.kind) {
    case 'config':
      return { ...state, config: action.config };
    case 'channels':
      return action.channels.reduce(withChannel, state);
    case 'event':
      return withCall(state, action.channelID, next(state.calls[action.channelID] ?? noCall, action.event));
    case 'enabled':
      return { ...state, enabled: { ...state.enabled, [action.channelID]: action.enabled } };
    case 'mine':
      return { ...state, mine: action.mine };
    case 'elsewhere':
      return { ...state, elsewhere: action.elsewhere };
    case 'dismissed':
      return state.dismissed[action.callID] ? state : { ...state, dismissed: { ...state.dismissed, [action.callID]: true } };
    case 'names':
      return { ...state, names: { ...state.names, ...action.names } };
    case 'signedOut':
      return emptyState;
  }
}

function withChannel(state: CallsState, { channelID, enabled, call }: { channelID: string; enabled: boolean | null; call: Snapshot | null }): CallsState {
  const before = state.calls[channelID] ?? noCall;
  return withCall({ ...state, enabled: { ...state.enabled, [channelID]: enabled } }, channelID, applySnapshot(before, call));
}

function withCall(state: CallsState, channelID: string, call: CallState): CallsState {
  if (state.calls[channelID] === call) {
    return state;
  }
  const { [channelID]: _, ...others } = state.calls;
  // A channel without a call takes no room: who looks at a thousand channels in a day keeps only those that are on.
  return { ...state, calls: call.callID === '' ? others : { ...others, [channelID]: call } };
}

/** A call whose last participant left is over: the server says no more about it. */
function next(call: CallState, event: CallEvent): CallState {
  const after = apply(call, event);
  return event.type === 'left' && after !== call && after.participants.size === 0 && !after.stale ? noCall : after;
}

/** Whether calls can be made in a channel. Before the server told, they can: it refuses what it must. */
export function isEnabled(state: CallsState, channelID: string): boolean {
  return state.enabled[channelID] ?? state.config?.defaultEnabled ?? true;
}

export function isFull(state: CallsState, channelID: string): boolean {
  const most = state.config?.maxParticipants ?? 0;
  return most > 0 && (state.calls[channelID]?.participants.size ?? 0) >= most;
}

/** The window of ours that is in a channel's call, when this one is not. */
export function elsewhere(state: CallsState, channelID: string): Elsewhere | undefined {
  return state.mine?.channelID === channelID ? undefined : state.elsewhere.find((e) => e.channelID === channelID && state.calls[channelID] !== undefined);
}
