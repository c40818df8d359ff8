/** Who is in: as tiles, or as a column beside a shared screen. */
import type { Participant } from '../engine/state';
import { t } from '../i18n';
import { HandIcon, MicIcon, MicOffIcon, ScreenIcon } from './icons';
import { initials, type NameOf } from './sentences';
import type { View } from './store';

interface Props {
  people: readonly Participant[];
  view: View;
  nameOf: NameOf;
}

/** How many columns the grid has for how many people (design: 1, 2, 2×2, 3×2, 3×3, 4×3, 4×4, 5×4, 6×4). */
function columns(count: number): number {
  const limits = [1, 4, 9, 16, 20];
  const at = limits.findIndex((limit) => count <= limit);
  return at < 0 ? 6 : at + 1;
}

export function Grid({ people, view, nameOf }: Props) {
  return (
    <ul class={`grid cols-${columns(people.length)}`} aria-label={t('call.people')} data-testid="participants">
      {people.map((p) => (
        <Person key={p.sessionID} person={p} view={view} nameOf={nameOf} place={handPlace(p, people)} className="tile" />
      ))}
    </ul>
  );
}

export function People({ people, view, nameOf }: Props) {
  return (
    <ul class="people" aria-label={t('call.people')} data-testid="participants">
      {people.map((p) => (
        <Person key={p.sessionID} person={p} view={view} nameOf={nameOf} place={handPlace(p, people)} className="row" />
      ))}
    </ul>
  );
}

/** The place of a raised hand in the queue, from 1; 0 for one that is down. */
function handPlace(person: Participant, people: readonly Participant[]): number {
  return person.raisedHand > 0 ? people.filter((p) => p.raisedHand > 0 && p.raisedHand <= person.raisedHand).length : 0;
}

interface PersonProps {
  person: Participant;
  view: View;
  nameOf: NameOf;
  place: number;
  className: string;
}

function Person({ person, view, nameOf, place, className }: PersonProps) {
  const name = nameOf(person.userID);
  const self = person.sessionID === view.selfID;
  const host = person.userID === view.call.hostID;
  const shares = person.sessionID === view.call.screenSessionID;
  const words = [
    name,
    self && t('person.you'),
    host && t('person.host'),
    place > 0 && t('person.hand', { place }),
    shares && t('person.sharing'),
    person.voice ? t('person.talking') : t(person.unmuted ? 'person.unmuted' : 'person.muted'),
  ];
  return (
    <li
      class={`${className}${person.voice ? ' talking' : ''}`}
      data-testid="participant"
      data-user={person.userID}
      data-session={person.sessionID}
      data-unmuted={person.unmuted}
      data-talking={person.voice}
    >
      <span class="sr-only">{words.filter(Boolean).join(', ')}</span>
      <span class={`avatar hue-${hue(person.userID)}`} aria-hidden="true">{initials(name)}</span>
      <span class="caption" aria-hidden="true">
        <span class="name" title={name}><bdi>{name}</bdi></span>
        {self && <span class="you">{t('person.you')}</span>}
        {host && <span class="tag">{t('person.host')}</span>}
        {person.voice && <span class="talks">{t('person.talking')}</span>}
      </span>
      <span class="marks" aria-hidden="true">
        {place > 0 && <span class="hand"><HandIcon />{place}</span>}
        {shares && <ScreenIcon />}
        {person.unmuted ? <MicIcon /> : <MicOffIcon />}
      </span>
    </li>
  );
}

/** One of eight colours for a person, the same every time. */
function hue(id: string): number {
  let sum = 0;
  for (const char of id) {
    sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 8191;
  }
  return sum % 8;
}
