/** What is to be heard of a change of the call's state. Pure. */
import type { CallState } from '../engine/state';
import type { Sound } from './sounds';

/** In calls of more people, nobody's coming makes a sound. */
const quietAbove = 8;

export function soundsOf(before: CallState, after: CallState, selfID: string): Sound[] {
  if (!before.participants.has(selfID)) {
    return [];
  }
  const others = [...after.participants.values()].filter((p) => p.sessionID !== selfID);
  const came = others.some((p) => !before.participants.has(p.sessionID)) && after.participants.size <= quietAbove;
  const raised = others.some((p) => p.raisedHand > 0 && before.participants.get(p.sessionID)?.raisedHand === 0);
  return [...(came ? (['joinUser'] as const) : []), ...(raised ? (['hand'] as const) : [])];
}
