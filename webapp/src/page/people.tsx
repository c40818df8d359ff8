/** Who is in: as tiles, with the speaker large, or as a column beside a shared screen; and the hands that are up. */
import { useRef, useState } from 'preact/hooks';

import type { Participant } from '../engine/state';
import { t } from '../i18n';
import { Avatar } from '../ui/avatar';
import { HandIcon } from '../ui/icons';
import { LowerAll } from '../ui/people_panel';
import { Marks, personData, personWords } from '../ui/person';
import { useNow } from '../ui/use_store';
import { Windowed } from '../ui/windowed';
import type { CallStore } from './call_store';
import { speakerOf, type Swap, swapped, swapsOf } from './order';
import { clock, handPlace, type NameOf } from './sentences';
import { isHost, type View } from './view';

interface Props {
  people: readonly Participant[];
  view: View;
  nameOf: NameOf;
}

/** Tiles on a page of the grid. */
const pageSize = 24;

/** How many columns the grid has for how many people (design: 1, 2, 2×2, 3×2, 3×3, 4×3, 4×4, 5×4, 6×4). */
export function columns(count: number): number {
  const limits = [1, 4, 9, 16, 20];
  const at = limits.findIndex((limit) => count <= limit);
  return at < 0 ? 6 : at + 1;
}

export function Grid({ people, view, nameOf }: Props) {
  const [page, setPage] = useState(0);
  const swaps = useRef<readonly Swap[]>([]);
  const pages = Math.max(1, Math.ceil(people.length / pageSize));
  const now = useNow(1000);
  swaps.current = pages > 1 ? swapsOf(swaps.current, people, view.trail, pageSize, view.selfID, now) : [];
  const at = Math.min(page, pages - 1);
  const shown = swapped(people, swaps.current).slice(at * pageSize, (at + 1) * pageSize);
  return (
    <>
      <ul class={`cl-grid cl-cols-${columns(shown.length)}`} aria-label={t('call.people')} data-testid="participants" data-count={people.length}>
        {shown.map((p, i) => <Tile key={p.sessionID} person={p} view={view} nameOf={nameOf} place={handPlace(p, people)} at={at * pageSize + i + 1} of={people.length} className="cl-tile" />)}
      </ul>
      {pages > 1 && (
        <nav class="cl-pages" aria-label={t('grid.pages')}>
          <button type="button" disabled={at === 0} data-testid="page-back" onClick={() => setPage(at - 1)}>{t('grid.back')}</button>
          <span>{t('grid.page', { page: at + 1, pages })}</span>
          <button type="button" disabled={at === pages - 1} data-testid="page-next" onClick={() => setPage(at + 1)}>{t('grid.next')}</button>
        </nav>
      )}
    </>
  );
}

/** The one who talks, or talked last; before anybody did, the first of the list. */
export function Speaker({ people, view, nameOf }: Props) {
  const last = useRef('');
  last.current = speakerOf(last.current, people, view.trail, view.selfID, useNow(500));
  const speaker = people.find((p) => p.sessionID === last.current);
  if (!speaker) {
    return null;
  }
  const name = nameOf(speaker.userID);
  return (
    <section class={`cl-speaker${speaker.voice ? ' cl-talking' : ''}`} aria-label={t('layout.speaker')} data-testid="speaker" data-user={speaker.userID}>
      <Avatar id={speaker.userID} name={name} size={160} />
      <p><bdi>{name}</bdi></p>
      <p class="cl-note">{speaker.voice ? t('person.talking') : ' '}</p>
    </section>
  );
}

/** The column beside a screen or the speaker; in a narrow window it lies down as a line. */
export function People({ people, view, nameOf }: Props) {
  return (
    <Windowed
      class="cl-people" region="people" label={t('call.people')} testID="participants" count={people.length} rowHeight={48} rowWidth={164}
      row={(i) => {
        const p = people[i];
        return p ? <Tile key={p.sessionID} person={p} view={view} nameOf={nameOf} place={handPlace(p, people)} at={i + 1} of={people.length} className="cl-row" /> : null;
      }}
    />
  );
}

interface TileProps {
  person: Participant;
  view: View;
  nameOf: NameOf;
  place: number;
  /** Place in the whole list, from 1, and the length of that. */
  at: number;
  of: number;
  className: string;
}

function Tile({ person, view, nameOf, place, at, of, className }: TileProps) {
  const name = nameOf(person.userID);
  return (
    <li class={`${className}${person.voice ? ' cl-talking' : ''}`} aria-posinset={at} aria-setsize={of} {...personData(person)}>
      <span class="cl-sr">{personWords(person, view, name, place)}</span>
      <Avatar id={person.userID} name={name} size={className === 'cl-tile' ? 80 : 28} />
      <span class="cl-caption" aria-hidden="true">
        <span class="cl-name" title={name}><bdi>{name}</bdi></span>
        {person.sessionID === view.selfID && <span class="cl-you">{t('person.you')}</span>}
        {person.userID === view.call.hostID && <span class="cl-tag">{t('person.host')}</span>}
        {person.voice && <span class="cl-talks">{t('person.talking')}</span>}
      </span>
      <Marks person={person} view={view} place={place} />
    </li>
  );
}

/** As many hands as have room in the strip; the list of people has them all. */
const mostHands = 8;

/** Raised hands in their order, with how long they have waited. */
export function HandStrip({ store, view, people }: { store: CallStore; view: View; people: readonly Participant[] }) {
  const now = useNow(1000);
  const raised = people.filter((p) => p.raisedHand > 0).sort((a, b) => a.raisedHand - b.raisedHand);
  if (raised.length === 0) {
    return null;
  }
  return (
    <section class="cl-hands" aria-label={t('hands.label')} data-testid="hands">
      <HandIcon />
      <strong>{t('hands.count', { count: raised.length })}</strong>
      <ol>
        {raised.slice(0, mostHands).map((p, i) => (
          <li key={p.sessionID}>
            {i + 1} <bdi>{store.nameOf(p.userID)}</bdi> <span class="cl-note">{clock(now - p.raisedHand)}</span>
          </li>
        ))}
        {raised.length > mostHands && <li>{t('hands.more', { count: raised.length - mostHands })}</li>}
      </ol>
      <span class="cl-grow" />
      {isHost(view) && <LowerAll store={store} people={raised} />}
    </section>
  );
}
