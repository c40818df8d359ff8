/** One person of a list: name and state, and what can be done about them: their volume, and for a host a little more. */
import { useState } from 'preact/hooks';

import type { Participant } from '../engine/state';
import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { volumeOf, withVolume } from '../page/settings';
import { isHost, type View } from '../page/view';
import { Avatar } from './avatar';
import { emojiOf } from './emoji';
import { BarsIcon, HandIcon, MicIcon, MicOffIcon, MoreIcon, ScreenIcon, VolumeIcon } from './icons';

interface Props {
  store: CallStore;
  view: View;
  person: Participant;
  /** Place in the queue of raised hands, 0 for none. */
  place: number;
  /** The row's place in a list of which only a part is drawn, from 1, and how many rows that has. */
  at: number;
  of: number;
}

export function Person({ store, view, person, place, at, of }: Props) {
  const [open, setOpen] = useState(false);
  const name = store.nameOf(person.userID);
  const self = person.sessionID === view.selfID;
  const silenced = volumeOf(view.settings, person.userID) === 0;
  return (
    <li class={`cl-person${person.voice ? ' cl-talking' : ''}`} aria-posinset={at} aria-setsize={of} {...personData(person)}>
      <div class="cl-person-line">
        <span class="cl-sr">{personWords(person, view, name, place)}</span>
        <Avatar id={person.userID} name={name} ring={person.voice} />
        <span class="cl-caption" aria-hidden="true">
          <span class="cl-name" title={name}><bdi>{name}</bdi></span>
          {self && <span class="cl-you">{t('person.you')}</span>}
          {person.userID === view.call.hostID && <span class="cl-tag">{t('person.host')}</span>}
          {silenced && !self && <span class="cl-note">{t('volume.silenced')}</span>}
          {person.voice && <span class="cl-talks">{t('person.talking')}</span>}
        </span>
        <Marks person={person} view={view} place={place} />
        <button type="button" class="cl-icon-button" aria-expanded={open} aria-label={t('person.more', { name })} title={t('person.more', { name })} onClick={() => setOpen(!open)}>
          <MoreIcon />
        </button>
      </div>
      {open && (
        <div class="cl-person-menu">
          {!self && <Volume store={store} view={view} person={person} name={name} />}
          <HostButtons store={store} view={view} person={person} />
        </div>
      )}
    </li>
  );
}

export function Marks({ person, view, place }: Pick<Props, 'person' | 'view' | 'place'>) {
  const reaction = view.reactions.findLast((r) => r.sessionID === person.sessionID);
  return (
    <span class="cl-marks" aria-hidden="true">
      {reaction && <span class="cl-emoji">{emojiOf(reaction.emoji)}</span>}
      {place > 0 && <span class="cl-hand"><HandIcon />{place}</span>}
      {view.weak.has(person.sessionID) && <span class="cl-weak"><BarsIcon lit={1} />{t('person.weak')}</span>}
      {person.sessionID === view.call.screenSessionID && <ScreenIcon />}
      {person.unmuted ? <MicIcon /> : <MicOffIcon />}
    </span>
  );
}

/** What tests and other people's scripts read of a person. */
export function personData(person: Participant) {
  return { 'data-testid': 'participant', 'data-user': person.userID, 'data-session': person.sessionID, 'data-unmuted': person.unmuted, 'data-talking': person.voice };
}

/** A person in one line of words. */
export function personWords(person: Participant, view: View, name: string, place: number): string {
  const words = [
    name,
    person.sessionID === view.selfID && t('person.you'),
    person.userID === view.call.hostID && t('person.host'),
    place > 0 && t('person.hand', { place }),
    person.sessionID === view.call.screenSessionID && t('person.sharing'),
    person.voice ? t('person.talking') : t(person.unmuted ? 'person.unmuted' : 'person.muted'),
    view.weak.has(person.sessionID) && t('person.weak'),
  ];
  return words.filter(Boolean).join(', ');
}

type ActProps = Pick<Props, 'store' | 'view' | 'person'>;

function Volume({ store, view, person, name }: ActProps & { name: string }) {
  const volume = volumeOf(view.settings, person.userID);
  const set = (percent: number) => void store.configure({ volumes: withVolume(view.settings, person.userID, percent).volumes });
  const keys = (event: KeyboardEvent) => {
    const step = { PageUp: 25, PageDown: -25 }[event.key];
    if (step) {
      set(volume + step);
      event.preventDefault();
    }
  };
  return (
    <div class="cl-volume">
      <VolumeIcon />
      <input
        type="range" min="0" max="200" step="5" value={volume} list="cl-volume-mark" data-testid="volume" aria-label={t('volume.label', { name })}
        aria-valuetext={t('volume.value', { percent: volume })} onInput={(event) => set(Number(event.currentTarget.value))} onKeyDown={keys}
      />
      <output dir="ltr">{t('volume.value', { percent: volume })}</output>
      <button type="button" class="cl-link" disabled={volume === 100} onClick={() => set(100)}>{t('volume.reset')}</button>
    </div>
  );
}

function HostButtons({ store, view, person }: ActProps) {
  if (!isHost(view)) {
    return null;
  }
  const self = person.sessionID === view.selfID;
  const { sessionID, userID } = person;
  return (
    <div class="cl-wrap">
      {!self && person.unmuted && <button type="button" class="cl-quiet" onClick={() => void store.asHost('mute', sessionID)}>{t('host.mute')}</button>}
      {person.raisedHand > 0 && <button type="button" class="cl-quiet" onClick={() => void store.asHost('lower-hand', sessionID)}>{t('host.lower')}</button>}
      {!self && sessionID === view.call.screenSessionID && <button type="button" class="cl-quiet" onClick={() => void store.asHost('screen-off', sessionID)}>{t('host.screen')}</button>}
      {!self && <button type="button" class="cl-quiet" onClick={() => void store.asHost('make', userID)}>{t('host.make')}</button>}
      {!self && <button type="button" class="cl-quiet cl-danger" onClick={() => void store.asHost('remove', sessionID)}>{t('host.remove')}</button>}
    </div>
  );
}
