import { describe, expect, it } from 'vitest';

import { type Facts, lossOf } from './facts';
import { noGrade, regrade } from './grade';
import { poorSentence } from './notices';
import { emptyView, type View } from './view';
import { noWeak, watchLines, weakOnes, type WeakState } from './weak';

/** A report of two lines: packets received and lost so far on each. */
const report = (ana: [number, number], ben: [number, number]) => [
  { id: 'in-a', type: 'inbound-rtp', kind: 'audio', mid: '1', packetsReceived: ana[0], packetsLost: ana[1] },
  { id: 'in-b', type: 'inbound-rtp', kind: 'audio', mid: '2', packetsReceived: ben[0], packetsLost: ben[1] },
  { id: 'v', type: 'inbound-rtp', kind: 'video', mid: '3', packetsReceived: 100, packetsLost: 90 },
];
const owner = (mid: string) => ({ 1: 's-ana', 2: 's-ben' })[mid] ?? '';

function look(reports: ReturnType<typeof report>[], lostToServer: number | null = 0): WeakState {
  return reports.reduce((state, r, i) => watchLines(state, r, owner, lostToServer, i * 2000), noWeak);
}

describe('a weak network', () => {
  it('is that of the one whose line alone has holes, seen twice', () => {
    const once = look([report([0, 0], [0, 0]), report([90, 10], [100, 0])]);
    expect([...weakOnes(once)]).toEqual([]);
    const twice = look([report([0, 0], [0, 0]), report([90, 10], [100, 0]), report([180, 20], [200, 0])]);
    expect([...weakOnes(twice)]).toEqual(['s-ana']);
  });

  it('is ours when all lines have holes, or when our own packets get lost', () => {
    expect([...weakOnes(look([report([0, 0], [0, 0]), report([90, 10], [90, 10]), report([180, 20], [180, 20])]))]).toEqual([]);
    expect([...weakOnes(look([report([0, 0], [0, 0]), report([90, 10], [100, 0]), report([180, 20], [200, 0])], 4))]).toEqual([]);
  });

  it('is forgotten when it has been good for a while', () => {
    let state = look([report([0, 0], [0, 0]), report([90, 10], [100, 0]), report([180, 20], [200, 0])]);
    state = watchLines(state, report([280, 20], [300, 0]), owner, 0, 13_000);
    expect(weakOnes(state).size).toBe(1);
    state = watchLines(state, report([380, 20], [400, 0]), owner, 0, 15_000);
    expect(weakOnes(state).size).toBe(0);
  });

  it('is nothing that a few packets, a line lent to another, or an unknown owner could show', () => {
    expect(look([report([0, 0], [0, 0]), report([10, 10], [100, 0])]).bad.size).toBe(0);
    const lent = watchLines(noWeak, report([0, 0], [0, 0]), () => 's-x', 0, 0);
    expect(watchLines(lent, report([90, 10], [100, 0]), owner, 0, 2000).bad.size).toBe(0);
    const nobody = watchLines(noWeak, report([0, 0], [0, 0]), () => '', 0, 0);
    expect(watchLines(nobody, report([90, 10], [100, 0]), () => '', 0, 2000).bad.size).toBe(0);
  });
});

describe('the sentence', () => {
  const facts: Facts = { path: 'direct', roundTripMs: 600, lostToServer: 6, lostToUs: 9, bufferedMs: null, sendKbps: 0, receiveKbps: 0, screen: null };
  const say = (fields: Partial<View>) => poorSentence({ ...emptyView, facts, ...fields });

  it('names what is worst, and not what is the doing of somebody else', () => {
    expect(say({})).toBe('Poor network. 9 % of what others say is lost on its way to you.');
    expect(say({ weak: new Set(['s-ana']) })).toBe('Poor network. 6 % of what you say is lost on its way to the server.');
    expect(say({ facts: { ...facts, lostToServer: null, lostToUs: 0 }, roundTrip: 612.4 })).toBe('Poor network. Sound needs 612 ms to the server and back.');
    expect([lossOf(facts), lossOf(facts, true), lossOf(null)]).toEqual([9, 6, 0]);
  });
});

describe('the grade', () => {
  it('falls after five seconds, rises after ten, and stands still over a moment', () => {
    let grade = regrade(noGrade, 'poor', 0);
    grade = regrade(grade, 'poor', 4000);
    expect(grade.quality).toBe('good');
    grade = regrade(grade, 'good', 4500);
    grade = regrade(grade, 'poor', 6000);
    grade = regrade(grade, 'fair', 8000);
    grade = regrade(grade, 'poor', 11_000);
    expect(grade.quality).toBe('poor');
    grade = regrade(grade, 'good', 12_000);
    grade = regrade(grade, 'good', 21_000);
    expect(grade.quality).toBe('poor');
    grade = regrade(grade, 'good', 22_000);
    expect(grade.quality).toBe('good');
  });
});
