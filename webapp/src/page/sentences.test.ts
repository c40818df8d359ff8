import { describe, expect, it } from 'vitest';

import { CallsError } from '../engine/errors';
import { type CallState, newParticipant, noCall, type Participant } from '../engine/state';
import { announcements, clock, endSentence, errorSentence, initials } from './sentences';
import { qualityOf } from './facts';

const nameOf = (id: string | undefined) => (id ? id.toUpperCase() : 'Someone');
const call = (fields: Partial<CallState>, ...people: Participant[]): CallState => ({ ...noCall, callID: 'c', ...fields, participants: new Map(people.map((p) => [p.sessionID, p])) });
const me = newParticipant('s-me', 'me');
const ana = newParticipant('s-ana', 'ana');
const ben = newParticipant('s-ben', 'ben');

describe('announcements', () => {
  it.each<[string, CallState, CallState, string[]]>([
    ['being in', noCall, call({}, ana, me), ['You are in the call, muted. 2 people.']],
    ['nothing before being in', noCall, call({}, ana), []],
    ['a join', call({}, me), call({}, me, ana), ['ANA joined. 2 people.']],
    ['two joins at once', call({}, me), call({}, me, ana, ben), ['ANA and BEN joined. 3 people.']],
    ['a leave', call({}, me, ana), call({}, me), ['ANA left. 1 person.']],
    ['own unmute', call({}, me), call({}, { ...me, unmuted: true }), ['Unmuted']],
    ["nobody else's unmute, and no talkers", call({}, me, ana), call({}, me, { ...ana, unmuted: true, voice: true }), []],
    ['a share', call({}, me, ana), call({ screenSessionID: 's-ana' }, me, ana), ['ANA is sharing the screen.']],
    ['its end', call({ screenSessionID: 's-ana' }, me, ana), call({}, me, ana), ['ANA stopped sharing.']],
    ['own share', call({}, me), call({ screenSessionID: 's-me' }, me), ['You are sharing your screen.']],
    ['a hand', call({}, me, ana), call({}, me, { ...ana, raisedHand: 5 }), ['ANA raised a hand. First.']],
  ])('%s', (_, before, after, said) => {
    expect(announcements(before, after, 's-me', nameOf)).toEqual(said);
  });

  it('is silent about comings in a crowd', () => {
    const crowd = Array.from({ length: 12 }, (_, i) => newParticipant(`s${i}`, `u${i}`));
    expect(announcements(call({}, me, ...crowd), call({}, me, ...crowd, ana), 's-me', nameOf)).toEqual([]);
  });
});

describe('sentences', () => {
  it('say what the server refused, and who shares', () => {
    expect(errorSentence(new CallsError('refused', 'x', 'call_full'), nameOf)).toBe('The call is full.');
    expect(errorSentence(new CallsError('screen_refused', 'ana'), nameOf)).toBe('ANA is already sharing. Only one person can share at a time.');
  });

  it('say why a call ended', () => {
    expect(endSentence({ phase: 'ended', reason: 'kicked' }, nameOf)).toBe('The host removed you from the call.');
    expect(endSentence({ phase: 'ended', reason: 'failed', error: new CallsError('socket_failed') }, nameOf)).toContain('WebSocket');
  });
});

it.each([
  [0, '0:00'],
  [-500, '0:00'],
  [65_400, '1:05'],
  [3_725_000, '1:02:05'],
])('clock(%d) is %s', (ms, text) => {
  expect(clock(ms)).toBe(text);
});

it.each([
  [18, 'good'],
  [251, 'fair'],
  [501, 'poor'],
])('%d ms is %s', (ms, quality) => {
  expect(qualityOf(ms)).toBe(quality);
});

it.each([
  ['Priya Nair', 'PN'],
  ['alice', 'A'],
  ['Ana Maria de Souza', 'AS'],
  ['émile.zola', 'ÉZ'],
  ['', ''],
])('initials(%j) are %j', (name, letters) => {
  expect(initials(name)).toBe(letters);
});
