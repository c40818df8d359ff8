/**
 * Whose network is weak. The server forwards a voice with the holes that it had on its way there, so holes on one line while the others are whole, and while our
 * own packets arrive, are those of the person on that line. Pure.
 */

import type { Stat } from './facts';

/** What one line has carried so far, and who was on it. */
export interface Line {
  readonly session: string;
  readonly received: number;
  readonly lost: number;
}

export interface WeakState {
  readonly lines: ReadonlyMap<string, Line>;
  /** By session: how many looks in a row were bad, and when the last one of them was. */
  readonly bad: ReadonlyMap<string, { readonly looks: number; readonly at: number }>;
}

export const noWeak: WeakState = { lines: new Map(), bad: new Map() };

/** Of fewer packets nothing is concluded: at fifty a second, this is well below one look. */
const leastPackets = 30;
const badPercent = 5;
/** So much on another line, or on our own way out, and the trouble may be ours. */
const ownPercent = 2;
const badLooks = 2;
const forgetMs = 10_000;

/** The next state, from a report of the browser. `owner` says whose line it is, by the line's mid and its track. */
export function watchLines(before: WeakState, report: Iterable<Stat>, owner: (mid: string, track: string) => string, lostToServer: number | null, now: number): WeakState {
  const lines = readLines(report, owner);
  const losses: { session: string; percent: number }[] = [];
  for (const [id, line] of lines) {
    const was = before.lines.get(id);
    const lost = Math.max(0, line.lost - (was?.lost ?? line.lost));
    const expected = line.received - (was?.received ?? line.received) + lost;
    if (was && was.session === line.session && expected >= leastPackets) {
      losses.push({ session: line.session, percent: (lost / expected) * 100 });
    }
  }
  const ours = (lostToServer ?? 0) >= ownPercent;
  const bad = new Map([...before.bad].filter(([, b]) => now - b.at < forgetMs));
  for (const { session, percent } of losses) {
    const others = losses.filter((l) => l.session !== session);
    const alone = !ours && !others.some((l) => l.percent >= ownPercent);
    if (session !== '' && percent >= badPercent && alone) {
      bad.set(session, { looks: (bad.get(session)?.looks ?? 0) + 1, at: now });
    }
  }
  return { lines, bad };
}

/** The sessions of which it can be said. */
export function weakOnes(state: WeakState): ReadonlySet<string> {
  return new Set([...state.bad].filter(([, b]) => b.looks >= badLooks).map(([session]) => session));
}

function readLines(report: Iterable<Stat>, owner: (mid: string, track: string) => string): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const stat of report) {
    if (stat.type === 'inbound-rtp' && stat.kind === 'audio' && typeof stat.id === 'string') {
      const session = owner(String(stat.mid ?? ''), String(stat.trackIdentifier ?? ''));
      lines.set(stat.id, { session, received: number(stat.packetsReceived), lost: number(stat.packetsLost) });
    }
  }
  return lines;
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
