/** Who talked when, for one who was away: times only, kept in this page only. Pure functions. */
import type { CallState } from '../engine/state';

/** How far back the trail goes. */
export const trailMs = 10 * 60_000;

export interface Span {
  readonly from: number;
  /** null while it goes on. */
  readonly to: number | null;
}

export interface Trail {
  readonly talks: ReadonlyMap<string, readonly Span[]>;
  /** When the page was not looked at. */
  readonly away: readonly Span[];
  /** Who talks now or talked last. */
  readonly last: { readonly userID: string; readonly at: number } | null;
}

export const emptyTrail: Trail = { talks: new Map(), away: [], last: null };

/** The trail after a change of the call's state. */
export function follow(trail: Trail, before: CallState, after: CallState, now: number): Trail {
  const was = talkers(before);
  const is = talkers(after);
  const began = [...is].filter((id) => !was.has(id));
  const ended = [...was].filter((id) => !is.has(id));
  if (began.length === 0 && ended.length === 0) {
    return trail;
  }
  const talks = new Map(trail.talks);
  for (const id of began) {
    talks.set(id, [...recent(talks.get(id), now), { from: now, to: null }]);
  }
  for (const id of ended) {
    talks.set(id, close(recent(talks.get(id), now), now));
  }
  const latest = began.at(-1) ?? [...is].at(-1) ?? ended.at(-1);
  return { ...trail, talks, last: latest ? { userID: latest, at: now } : trail.last };
}

/** The trail after the person looked away, or came back. */
export function lookAway(trail: Trail, away: boolean, now: number): Trail {
  const spans = recent(trail.away, now);
  const open = spans.at(-1)?.to === null;
  if (open === away) {
    return trail;
  }
  return { ...trail, away: away ? [...spans, { from: now, to: null }] : close(spans, now) };
}

/** Everybody who talked in the trail's time, the one who did it longest first. */
export function talkedMost(trail: Trail, now: number): { userID: string; ms: number; spans: readonly Span[] }[] {
  return [...trail.talks]
    .map(([userID, all]) => ({ userID, spans: recent(all, now), ms: total(recent(all, now), now) }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => b.ms - a.ms);
}

/** Since when somebody talks without a stop; null for one who does not. */
export function talkingSince(trail: Trail, userID: string): number | null {
  const last = trail.talks.get(userID)?.at(-1);
  return last?.to === null ? last.from : null;
}

/** When somebody was heard last, now for one who talks; 0 for one who has not. */
export function lastTalkedAt(trail: Trail, userID: string, now: number): number {
  const last = trail.talks.get(userID)?.at(-1);
  return last ? (last.to ?? now) : 0;
}

function talkers(call: CallState): Set<string> {
  return new Set([...call.participants.values()].filter((p) => p.voice).map((p) => p.userID));
}

function recent(spans: readonly Span[] | undefined, now: number): readonly Span[] {
  return (spans ?? []).filter((span) => span.to === null || span.to > now - trailMs);
}

function close(spans: readonly Span[], now: number): readonly Span[] {
  return spans.map((span) => (span.to === null ? { ...span, to: now } : span));
}

function total(spans: readonly Span[], now: number): number {
  return spans.reduce((sum, { from, to }) => sum + Math.max(0, (to ?? now) - Math.max(from, now - trailMs)), 0);
}
