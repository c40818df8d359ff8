import { describe, expect, it } from 'vitest';

import { partOf } from '../ui/windowed';
import { type CallState, newParticipant, noCall, type Participant } from '../engine/state';
import { groupsOf, inOrder, reorder, speakerOf, swapped, swapsOf } from './order';
import { emptyTrail, follow, type Trail } from './trail';

const nameOf = (id: string | undefined) => (id ? id.toUpperCase() : 'Someone');
const call = (fields: Partial<CallState>, ...people: Participant[]): CallState => ({ ...noCall, callID: 'c', ...fields, participants: new Map(people.map((p) => [p.sessionID, p])) });
const person = (id: string, fields: Partial<Participant> = {}): Participant => ({ ...newParticipant(`s-${id}`, id), ...fields });
const ids = (people: readonly Participant[]) => people.map((p) => p.userID).join(' ');
const names = new Map<string, string>();
const crowd = (count: number) => Array.from({ length: count }, (_, i) => person(`p${String(i).padStart(3, '0')}`));

it('orders people: who shares, hands by time, open microphones, names', () => {
  const state = call({ screenSessionID: 's-z' }, person('ana'), person('ben', { unmuted: true }), person('h2', { raisedHand: 9 }), person('h1', { raisedHand: 4 }), person('z'));
  expect(ids(inOrder(state, nameOf))).toBe('z h1 h2 ben ana');
});

describe('the order', () => {
  const quiet = call({}, person('ana', { unmuted: true }), person('ben', { unmuted: true }));
  const first = reorder(null, quiet, names, nameOf);

  it('is kept while somebody talks, with what is true of them', () => {
    let asked = 0;
    const talks = call({}, person('ana', { unmuted: true }), person('ben', { unmuted: true, voice: true }));
    const next = reorder(first, talks, names, (id) => {
      asked++;
      return nameOf(id);
    });
    expect(asked, 'nothing was sorted').toBe(0);
    expect(next.people.map((p) => p.voice)).toEqual([false, true]);
    expect(reorder(next, talks, names, nameOf)).toBe(next);
  });

  it.each<[string, CallState]>([
    ['a hand', call({}, person('ana', { unmuted: true }), person('ben', { unmuted: true, raisedHand: 3 }))],
    ['a mute', call({}, person('ana'), person('ben', { unmuted: true }))],
    ['a share', call({ screenSessionID: 's-ben' }, person('ana', { unmuted: true }), person('ben', { unmuted: true }))],
  ])('changes with %s', (_, after) => {
    expect(ids(reorder(first, after, names, nameOf).people)).toBe('ben ana');
  });

  it('does not move under the pointer, and is made good afterwards', () => {
    const after = call({}, person('ben', { raisedHand: 3 }), person('ana', { unmuted: true }), person('al'));
    const held = reorder(first, after, names, nameOf, true);
    expect(ids(held.people)).toBe('ana ben al');
    const gone = call({}, person('al'), person('ben', { raisedHand: 3 }));
    expect(ids(reorder(held, gone, names, nameOf, true).people)).toBe('ben al');
    expect(ids(reorder(held, after, names, nameOf).people)).toBe('ben ana al');
  });
});

/** A trail in which each of these talked in this span; null as the end is still talking. */
const talked = (spans: Record<string, [number, number | null]>): Trail => ({
  ...emptyTrail, talks: new Map(Object.entries(spans).map(([id, [from, to]]) => [id, [{ from, to }]])),
});

it('groups a long list: hands in their order, who talked in the last minute, everyone else', () => {
  const people = [person('a'), person('b', { raisedHand: 9 }), person('c'), person('d', { raisedHand: 2 }), person('e')];
  const groups = groupsOf(people, talked({ a: [0, 1000], c: [0, 70_000], d: [0, null] }), 100_000);
  expect(groups.map((g) => `${g.name}: ${ids(g.people)}`)).toEqual(['hands: d b', 'talked: c', 'rest: a e']);
  expect(groupsOf([person('a')], emptyTrail, 100_000).map((g) => g.name)).toEqual(['rest']);
});

describe('pages of tiles', () => {
  const people = crowd(5);
  const talking = people.map((p, i) => (i === 4 ? { ...p, unmuted: true, voice: true } : p));

  it('bring who talks for three seconds to the first, in place of who was silent longest', () => {
    const trail = talked({ p004: [10_000, null], p000: [5000, 6000], p001: [1000, 2000], p002: [3000, 4000] });
    expect(swapsOf([], talking, trail, 3, 's-p002', 12_000)).toEqual([]);
    const swaps = swapsOf([], talking, trail, 3, 's-p002', 13_000);
    expect(swaps).toEqual([['s-p004', 's-p001']]);
    expect(ids(swapped(talking, swaps))).toBe('p000 p004 p002 p003 p001');
    // And they stay when they are silent again, until one of the two goes.
    expect(swapsOf(swaps, people, trail, 3, '', 60_000)).toBe(swaps);
    expect(swapsOf(swaps, people.slice(0, 4), trail, 3, '', 60_000)).toEqual([]);
  });
});

describe('the speaker', () => {
  const people = [person('me'), person('ana'), person('ben')];
  const voice = (...who: string[]) => people.map((p) => (who.includes(p.userID) ? { ...p, unmuted: true, voice: true } : p));

  it('is the first until somebody talks, and changes when another has talked for two seconds', () => {
    expect(speakerOf('', people, emptyTrail, 's-me', 0)).toBe('s-ana');
    const trail = talked({ ben: [1000, null] });
    expect(speakerOf('s-ana', voice('ben'), trail, 's-me', 2000)).toBe('s-ana');
    expect(speakerOf('s-ana', voice('ben'), trail, 's-me', 3000)).toBe('s-ben');
    expect(speakerOf('s-ben', voice('ben', 'ana'), talked({ ben: [1000, null], ana: [1000, null] }), 's-me', 9000)).toBe('s-ben');
    expect(speakerOf('s-ben', voice('me'), talked({ me: [1000, null] }), 's-me', 9000)).toBe('s-ben');
  });

  it('follows the trail of a real call', () => {
    const before = call({}, ...people);
    const after = call({}, ...voice('ben'));
    expect(speakerOf('', voice('ben'), follow(emptyTrail, before, after, 500), 's-me', 500)).toBe('s-ben');
  });
});

describe('a windowed list', () => {
  it.each<[number, number, [number, number]]>([
    [40, 0, [0, 40]],
    [500, 0, [0, 18]],
    [500, 4000, [92, 118]],
    [500, 19_600, [482, 500]],
    [500, 999_999, [499, 500]],
  ])('of %d at %d px draws %j', (count, offset, [first, end]) => {
    expect(partOf(count, offset, 400, 40)).toEqual({ first, end });
  });
});
