import { describe, expect, it } from 'vitest';

import { apply, applySnapshot, type CallEvent, type CallState, newParticipant, noCall, type Snapshot } from './state';

const alice = newParticipant('s-alice', 'u-alice');
const bob = newParticipant('s-bob', 'u-bob');

const running: CallState = {
  callID: 'call1',
  v: 3,
  startAt: 1000,
  threadID: '',
  hostID: 'u-alice',
  screenSessionID: '',
  participants: new Map([
    [alice.sessionID, alice],
    [bob.sessionID, bob],
  ]),
  stale: false,
};
const people = (...list: (typeof alice)[]) => new Map(list.map((p) => [p.sessionID, p]));

interface Row {
  name: string;
  before?: CallState;
  event: CallEvent;
  after: CallState;
}

const next = { callID: 'call1', v: 4 };

const table: Row[] = [
  {
    name: 'a call starts where none was',
    before: noCall,
    event: { type: 'started', callID: 'call1', v: 1, startAt: 5, hostID: 'u-alice' },
    after: { ...noCall, callID: 'call1', v: 1, startAt: 5, hostID: 'u-alice' },
  },
  {
    name: "the channel's next call replaces the last one",
    event: { type: 'started', callID: 'call2', v: 1, startAt: 9, hostID: 'u-bob' },
    after: { ...noCall, callID: 'call2', v: 1, startAt: 9, hostID: 'u-bob' },
  },
  { name: 'a start told twice', event: { type: 'started', callID: 'call1', v: 1, startAt: 1000, hostID: 'u-alice' }, after: running },
  {
    name: 'somebody joins, muted, at the end',
    event: { type: 'joined', ...next, sessionID: 's-carol', userID: 'u-carol' },
    after: { ...running, v: 4, participants: people(alice, bob, newParticipant('s-carol', 'u-carol')) },
  },
  {
    name: 'a join told twice keeps what is known',
    before: { ...running, participants: people({ ...alice, unmuted: true }) },
    event: { type: 'joined', callID: 'call1', sessionID: 's-alice', userID: 'u-alice' },
    after: { ...running, participants: people({ ...alice, unmuted: true }) },
  },
  { name: 'somebody leaves', event: { type: 'left', ...next, sessionID: 's-bob' }, after: { ...running, v: 4, participants: people(alice) } },
  {
    name: 'who shares and leaves shares no more',
    before: { ...running, screenSessionID: 's-bob' },
    event: { type: 'left', ...next, sessionID: 's-bob' },
    after: { ...running, v: 4, participants: people(alice) },
  },
  {
    name: 'unmute',
    event: { type: 'muted', ...next, sessionID: 's-bob', unmuted: true },
    after: { ...running, v: 4, participants: people(alice, { ...bob, unmuted: true }) },
  },
  {
    name: 'who mutes speaks no more',
    before: { ...running, participants: people(alice, { ...bob, unmuted: true, voice: true }) },
    event: { type: 'muted', ...next, sessionID: 's-bob', unmuted: false },
    after: { ...running, v: 4 },
  },
  {
    name: 'voice on',
    event: { type: 'voice', ...next, sessionID: 's-bob', voice: true },
    after: { ...running, v: 4, participants: people(alice, { ...bob, voice: true }) },
  },
  {
    name: 'a hand goes up',
    event: { type: 'hand', ...next, sessionID: 's-bob', raisedHand: 77 },
    after: { ...running, v: 4, participants: people(alice, { ...bob, raisedHand: 77 }) },
  },
  { name: 'a screen is shared', event: { type: 'screen', ...next, sessionID: 's-bob', on: true }, after: { ...running, v: 4, screenSessionID: 's-bob' } },
  {
    name: 'sharing stops',
    before: { ...running, screenSessionID: 's-bob' },
    event: { type: 'screen', ...next, sessionID: 's-bob', on: false },
    after: { ...running, v: 4 },
  },
  {
    name: "one who does not share stops: the other's screen stays",
    before: { ...running, screenSessionID: 's-alice' },
    event: { type: 'screen', ...next, sessionID: 's-bob', on: false },
    after: { ...running, v: 4, screenSessionID: 's-alice' },
  },
  { name: 'another host', event: { type: 'host', ...next, hostID: 'u-bob' }, after: { ...running, v: 4, hostID: 'u-bob' } },
  { name: 'the end', event: { type: 'ended', ...next }, after: noCall },
  { name: 'an event already seen', event: { type: 'muted', callID: 'call1', v: 3, sessionID: 's-bob', unmuted: true }, after: running },
  {
    name: 'a gap: the event counts, and the rest is doubtful',
    event: { type: 'muted', callID: 'call1', v: 6, sessionID: 's-bob', unmuted: true },
    after: { ...running, v: 6, stale: true, participants: people(alice, { ...bob, unmuted: true }) },
  },
  {
    name: 'an event about somebody unknown only moves the version',
    event: { type: 'muted', ...next, sessionID: 's-nobody', unmuted: true },
    after: { ...running, v: 4 },
  },
  {
    name: "another call's event",
    event: { type: 'muted', callID: 'call2', v: 8, sessionID: 's-bob', unmuted: true },
    after: { ...running, stale: true },
  },
  { name: "another call's end", event: { type: 'ended', callID: 'call0', v: 8 }, after: running },
  {
    name: 'a server without versions',
    event: { type: 'muted', sessionID: 's-bob', unmuted: true },
    after: { ...running, participants: people(alice, { ...bob, unmuted: true }) },
  },
];

describe('apply', () => {
  it.each(table)('$name', ({ before = running, event, after }) => {
    const frozen = structuredClone(before);
    expect(apply(before, event)).toEqual(after);
    expect(before).toEqual(frozen);
  });

  it('gives back the same object when nothing changed, so that nothing is drawn again', () => {
    expect(apply(running, { type: 'voice', callID: 'call1', v: 2, sessionID: 's-bob', voice: true })).toBe(running);
  });
});

describe('applySnapshot', () => {
  const snapshot: Snapshot = { callID: 'call1', v: 9, startAt: 1000, hostID: 'u-bob', screenSessionID: 's-bob', participants: [{ ...bob, unmuted: true, voice: true }] };

  it('repairs a stale state', () => {
    expect(applySnapshot({ ...running, stale: true }, snapshot)).toEqual({
      ...running, v: 9, hostID: 'u-bob', screenSessionID: 's-bob', participants: people({ ...bob, unmuted: true, voice: true }),
    });
  });

  it('is thrown away when events have told more since', () => {
    const newer = { ...running, v: 10 };
    expect(applySnapshot(newer, snapshot)).toBe(newer);
  });

  it("counts for another call whatever its version, and keeps nobody's voice", () => {
    const talking = { ...running, v: 50, participants: people({ ...alice, unmuted: true, voice: true }) };
    const other = applySnapshot(talking, { ...snapshot, callID: 'call2', v: 2, participants: [bob] });
    expect(other).toMatchObject({ callID: 'call2', v: 2 });
    expect([...other.participants.values()]).toEqual([bob]);
  });

  it('keeps a voice where the server does not tell, but never of the muted', () => {
    const talking = { ...running, participants: people({ ...alice, unmuted: true, voice: true }, { ...bob, unmuted: true, voice: true }) };
    const { voice: _, ...silent } = alice;
    const after = applySnapshot(talking, { ...snapshot, participants: [{ ...silent, unmuted: true }, { ...silent, sessionID: 's-bob', unmuted: false }] });
    expect(after.participants.get('s-alice')?.voice).toBe(true);
    expect(after.participants.get('s-bob')?.voice).toBe(false);
  });

  it('is no call when there is none', () => {
    expect(applySnapshot(running, null)).toBe(noCall);
  });
});
