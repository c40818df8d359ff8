/** What the page says, in words: errors, ends, and the announcements for those who cannot see it. Pure functions. */
import type { Status } from '../engine/status';
import type { CallsError } from '../engine/errors';
import type { CallState, Participant } from '../engine/state';
import { listNames, t, tOr } from '../i18n';

/** Gives a user's name; the page knows it only some time after the id. */
export type NameOf = (userID: string | undefined) => string;

export function errorSentence(error: CallsError, nameOf: NameOf): string {
  if (error.code === 'refused') {
    return tOr(`refused.${error.serverCode}`, 'error.refused');
  }
  return t(`error.${error.code}`, { name: nameOf(error.code === 'screen_refused' ? error.detail : undefined) });
}

export function endSentence(status: Status & { phase: 'ended' }, nameOf: NameOf): string {
  return status.error ? errorSentence(status.error, nameOf) : t(`ended.${status.reason}`);
}

/** Above this many people, comings and goings are not read out. */
const quietAbove = 12;

/** What is to be read out after a change of the call's state. */
export function announcements(before: CallState, after: CallState, selfID: string, nameOf: NameOf): string[] {
  const people = t('live.people', { count: after.participants.size });
  const wasIn = before.participants.has(selfID);
  if (!after.participants.has(selfID)) {
    return [];
  }
  if (!wasIn) {
    return [t('live.in', { people })];
  }
  const said: string[] = [];
  if (after.participants.size <= quietAbove) {
    said.push(...comings(before, after, nameOf, people));
  }
  const was = before.participants.get(selfID);
  const is = after.participants.get(selfID);
  if (was && is && was.unmuted !== is.unmuted) {
    said.push(t(is.unmuted ? 'live.unmuted' : 'live.muted'));
  }
  said.push(...screens(before, after, selfID, nameOf));
  said.push(...hands(before, after, selfID, nameOf));
  return said;
}

function hands(before: CallState, after: CallState, selfID: string, nameOf: NameOf): string[] {
  const people = [...after.participants.values()];
  const raised = people.filter((p) => p.raisedHand > 0 && (before.participants.get(p.sessionID)?.raisedHand ?? 0) === 0);
  return raised.map((p) => {
    const place = handPlace(p, people);
    return p.sessionID === selfID ? t('live.hand.you', { place }) : t('live.hand', { name: nameOf(p.userID), place });
  });
}

/** The place of a raised hand in the queue, from 1; 0 for one that is down. */
export function handPlace(person: Participant, people: readonly Participant[]): number {
  return person.raisedHand > 0 ? people.filter((p) => p.raisedHand > 0 && p.raisedHand <= person.raisedHand).length : 0;
}

function comings(before: CallState, after: CallState, nameOf: NameOf, people: string): string[] {
  const missingIn = (from: CallState, list: CallState) => [...list.participants.values()].filter((p) => !from.participants.has(p.sessionID));
  const names = (list: Participant[]) => listNames(list.map((p) => nameOf(p.userID)));
  const came = missingIn(before, after);
  const went = missingIn(after, before);
  return [
    ...(came.length > 0 ? [t('live.joined', { names: names(came), people })] : []),
    ...(went.length > 0 ? [t('live.left', { names: names(went), people })] : []),
  ];
}

function screens(before: CallState, after: CallState, selfID: string, nameOf: NameOf): string[] {
  const was = before.screenSessionID;
  const is = after.screenSessionID;
  if (was === is) {
    return [];
  }
  if (is !== '') {
    return [is === selfID ? t('live.share.you') : t('live.share', { name: nameOf(after.participants.get(is)?.userID) })];
  }
  return [was === selfID ? t('live.unshare.you') : t('live.unshare', { name: nameOf(before.participants.get(was)?.userID) })];
}

/** "4:05", "1:02:09". */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((n, i) => (i === 0 ? String(n) : String(n).padStart(2, '0'))).join(':');
}

/** Up to two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}
