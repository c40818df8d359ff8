/** How good the connection has been lately: what is measured at one moment says little, and a banner that comes and goes tells nobody anything. Pure. */
import type { Quality } from './facts';

export interface Grade {
  /** What is shown. */
  readonly quality: Quality;
  /** Whether what is measured is worse or better than that, and since when. */
  readonly trend: -1 | 0 | 1;
  readonly since: number;
  /** How often it has become poor. */
  readonly poorTimes: number;
}

export const noGrade: Grade = { quality: 'good', trend: 0, since: 0, poorTimes: 0 };

/** How long it must be worse, or better, before that is said. */
const worseMs = 5000;
const betterMs = 10_000;

const rank: Readonly<Record<Quality, number>> = { good: 0, fair: 1, poor: 2 };

export function regrade(before: Grade, measured: Quality, now: number): Grade {
  const trend = Math.sign(rank[measured] - rank[before.quality]) as Grade['trend'];
  if (trend !== before.trend) {
    return { ...before, trend, since: now };
  }
  if (trend !== 0 && now - before.since >= (trend > 0 ? worseMs : betterMs)) {
    return { quality: measured, trend: 0, since: now, poorTimes: before.poorTimes + (measured === 'poor' ? 1 : 0) };
  }
  return before;
}
