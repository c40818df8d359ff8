/** Who stands where in lists and on tiles. Pure, and cheap enough to be asked at each change of a call of hundreds. */
import type { CallState, Participant } from '../engine/state';
import type { NameOf } from './sentences';
import { lastTalkedAt, type Trail, talkingSince } from './trail';

// Comparing names by a collator of one's own is many times as fast as by localeCompare, which makes one for each pair.
const byName = new Intl.Collator();

/** Who shares, raised hands by time, then open microphones, then the name (design: order of people). */
export function inOrder(call: CallState, nameOf: NameOf): Participant[] {
  const rank = (p: Participant): number => {
    if (p.sessionID === call.screenSessionID) {
      return 0;
    }
    return p.raisedHand > 0 ? 1 : p.unmuted ? 2 : 3;
  };
  return [...call.participants.values()]
    .map((p) => ({ p, rank: rank(p), at: p.sessionID === call.screenSessionID ? 0 : p.raisedHand, name: nameOf(p.userID) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at || byName.compare(a.name, b.name) || (a.p.sessionID < b.p.sessionID ? -1 : 1))
    .map(({ p }) => p);
}

/** An order, with what it was made from. */
export interface Order {
  readonly call: CallState;
  /** It was kept as it stood while it was held, and is to be made anew. */
  readonly held?: boolean;
  readonly names: ReadonlyMap<string, string>;
  readonly people: readonly Participant[];
}

/**
 * The next order. Sorted anew only when something changed that it hangs on: who talks this moment does not, and in a large call that is most of what happens.
 * While it is held, as under somebody's pointer, nobody changes places: who goes is gone, and who comes stands last.
 */
export function reorder(before: Order | null, call: CallState, names: ReadonlyMap<string, string>, nameOf: NameOf, held = false): Order {
  if (before?.call === call && (held || (!before.held && before.names === names))) {
    return before;
  }
  if (before && held) {
    const stayed = before.people.flatMap((p) => call.participants.get(p.sessionID) ?? []);
    const known = new Set(stayed.map((p) => p.sessionID));
    return { call, names, held, people: [...stayed, ...[...call.participants.values()].filter((p) => !known.has(p.sessionID))] };
  }
  if (!before || before.held || before.names !== names || !sameRanks(before.call, call)) {
    return { call, names, people: inOrder(call, nameOf) };
  }
  return { call, names, people: before.people.map((p) => call.participants.get(p.sessionID) ?? p) };
}

function sameRanks(a: CallState, b: CallState): boolean {
  if (a.participants.size !== b.participants.size || a.screenSessionID !== b.screenSessionID) {
    return false;
  }
  for (const [id, now] of b.participants) {
    const was = a.participants.get(id);
    if (was !== now && (!was || was.unmuted !== now.unmuted || was.raisedHand !== now.raisedHand || was.userID !== now.userID)) {
      return false;
    }
  }
  return true;
}

export type GroupName = 'hands' | 'talked' | 'rest';

export interface Group {
  readonly name: GroupName;
  readonly people: readonly Participant[];
}

/** From so many people on a list has a search field and groups. */
export const groupsFrom = 13;
const talkedMs = 60_000;

/** The people of a long list in groups: hands up, talked in the last minute, everyone else. Groups without anybody are left out. */
export function groupsOf(people: readonly Participant[], trail: Trail, now: number): Group[] {
  const groups: Record<GroupName, Participant[]> = { hands: [], talked: [], rest: [] };
  for (const p of people) {
    const name = p.raisedHand > 0 ? 'hands' : lastTalkedAt(trail, p.userID, now) > now - talkedMs ? 'talked' : 'rest';
    groups[name].push(p);
  }
  groups.hands.sort((a, b) => a.raisedHand - b.raisedHand);
  return (Object.keys(groups) as GroupName[]).filter((name) => groups[name].length > 0).map((name) => ({ name, people: groups[name] }));
}

/** How long one must talk to be brought to the first page. */
const noticedMs = 3000;

/** Who changed places with whom, so that who talks is seen on the first page. */
export type Swap = readonly [talker: string, silent: string];

/** The swaps of a grid in pages: who talks on a later page for some seconds takes the place of the one on the first who has been silent longest, and keeps it. */
export function swapsOf(before: readonly Swap[], people: readonly Participant[], trail: Trail, pageSize: number, selfID: string, now: number): readonly Swap[] {
  const here = new Set(people.map((p) => p.sessionID));
  const swaps = before.filter((pair) => pair.every((id) => here.has(id)));
  const shown = swapped(people, swaps);
  const first = shown.slice(0, pageSize);
  const moved = new Set(swaps.map(([talker]) => talker));
  for (const p of shown.slice(pageSize)) {
    const since = p.voice ? talkingSince(trail, p.userID) : null;
    if (since === null || now - since < noticedMs) {
      continue;
    }
    const quiet = first
      .filter((other) => !other.voice && other.sessionID !== selfID && other.raisedHand === 0 && !moved.has(other.sessionID))
      .sort((a, b) => lastTalkedAt(trail, a.userID, now) - lastTalkedAt(trail, b.userID, now))[0];
    if (quiet) {
      swaps.push([p.sessionID, quiet.sessionID]);
      moved.add(p.sessionID).add(quiet.sessionID);
    }
  }
  return swaps.length === before.length && swaps.every((pair, i) => pair === before[i]) ? before : swaps;
}

/** The people with these swaps made. */
export function swapped(people: readonly Participant[], swaps: readonly Swap[]): readonly Participant[] {
  if (swaps.length === 0) {
    return people;
  }
  const all = [...people];
  const at = new Map(all.map((p, i) => [p.sessionID, i]));
  for (const [talker, silent] of swaps) {
    const [i, k] = [at.get(talker), at.get(silent)];
    const [a, b] = [all[i ?? -1], all[k ?? -1]];
    if (a && b && i !== undefined && k !== undefined) {
      all[i] = b;
      all[k] = a;
      at.set(talker, k).set(silent, i);
    }
  }
  return all;
}

/** How long another one must talk before the speaker's large place becomes theirs. */
const speakerMs = 2000;

/** Whose session is shown large: the one who is, until another has talked for some seconds and they have not. */
export function speakerOf(before: string, people: readonly Participant[], trail: Trail, selfID: string, now: number): string {
  const others = people.filter((p) => p.sessionID !== selfID);
  const present = others.find((p) => p.sessionID === before);
  if (present?.voice) {
    return before;
  }
  const talkers = others.filter((p) => p.voice);
  const long = talkers.find((p) => now - (talkingSince(trail, p.userID) ?? now) >= speakerMs);
  if (long) {
    return long.sessionID;
  }
  if (present) {
    return before;
  }
  return (talkers[0] ?? others.find((p) => p.userID === trail.last?.userID) ?? others[0])?.sessionID ?? '';
}
