/** Everybody in the call: found by name, grouped where there are many, with what a host may do about all of them. */
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Participant } from '../engine/state';
import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { type Group, groupsFrom, groupsOf } from '../page/order';
import { handPlace } from '../page/sentences';
import { isHost, type View } from '../page/view';
import { Panel } from './dialog';
import { MicOffIcon } from './icons';
import { Person } from './person';
import { useOrder } from './use_order';
import { useNow } from './use_store';
import { Windowed } from './windowed';

interface Props {
  store: CallStore;
  view: View;
  onClose(): void;
}

/** Nobody changes the group more often: a list that jumps cannot be read. */
const regroupMs = 10_000;

type Row = { readonly title: Group } | { readonly person: Participant };

export function PeoplePanel({ store, view, onClose }: Props) {
  const [search, setSearch] = useState('');
  const [held, setHeld] = useState(false);
  const people = useOrder(store, view, held);
  const wanted = search.trim().toLowerCase();
  const shown = wanted === '' ? people : people.filter((p) => store.nameOf(p.userID).toLowerCase().includes(wanted));
  const groups = useGroups(shown, view);
  const rows: Row[] = groups.length > 1 ? groups.flatMap((group): Row[] => [{ title: group }, ...group.people.map((person) => ({ person }))]) : shown.map((person) => ({ person }));
  return (
    <Panel id="calls-participants" title={t('people.title', { count: people.length })} onClose={onClose}>
      <ForAll store={store} view={view} people={people} />
      {people.length >= groupsFrom && <input type="search" class="cl-input" aria-label={t('people.search')} placeholder={t('people.search')} value={search} onInput={(e) => setSearch(e.currentTarget.value)} />}
      <Windowed
        class="cl-list" label={t('call.people')} testID="participants" count={rows.length} rowHeight={40} rowWidth={304}
        onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)}
        row={(i) => {
          const row = rows[i];
          if (!row) {
            return null;
          }
          return 'title' in row
            ? <li key={row.title.name} class="cl-group"><span>{t(`people.group.${row.title.name}`)}</span><span class="cl-num">{row.title.people.length}</span></li>
            : <Person key={row.person.sessionID} store={store} view={view} person={row.person} place={handPlace(row.person, people)} at={i + 1} of={rows.length} />;
        }}
      />
      {shown.length === 0 && <p class="cl-note cl-pad">{t('people.none')}</p>}
      <p class="cl-note cl-foot">{t('volume.note')}</p>
    </Panel>
  );
}

/** The groups of a long list. Who belongs where is looked at again when people or hands changed, else every ten seconds. */
function useGroups(people: readonly Participant[], view: View): readonly Group[] {
  const tick = Math.floor(useNow(regroupMs) / regroupMs);
  const kept = useRef<{ key: string; groups: readonly Group[] }>({ key: '', groups: [] });
  if (people.length < groupsFrom) {
    return [];
  }
  const key = `${tick} ${people.length} ${people.reduce((sum, p) => sum + p.raisedHand, 0)}`;
  if (kept.current.key !== key) {
    kept.current = { key, groups: groupsOf(people, view.trail, Date.now()) };
    return kept.current.groups;
  }
  // The same places, with what is true of each person now.
  return kept.current.groups.map((group) => ({ name: group.name, people: group.people.flatMap((p) => view.call.participants.get(p.sessionID) ?? []) }));
}

/** What a host may do to all at once. */
function ForAll({ store, view, people }: { store: CallStore; view: View; people: readonly Participant[] }) {
  if (!isHost(view) || people.length < 2) {
    return null;
  }
  return (
    <div class="cl-wrap cl-for-all">
      <button type="button" class="cl-quiet" data-testid="mute-others" onClick={() => void store.asHost('mute-others')}><MicOffIcon />{t('host.mute.others')}</button>
      <LowerAll store={store} people={people} />
    </div>
  );
}

/** So many requests the server takes at once; then it wants one in so many milliseconds. */
const atOnce = 20;
const paceMs = 250;

/** Lowers every hand; shown from the second on, as one has a button of its own. */
export function LowerAll({ store, people }: { store: CallStore; people: readonly Participant[] }) {
  const raised = people.filter((p) => p.raisedHand > 0);
  const [busy, setBusy] = useState(false);
  const gone = useRef(false);
  useEffect(() => () => {
    gone.current = true;
  }, []);
  if (raised.length < 2) {
    return null;
  }
  const lower = async () => {
    setBusy(true);
    // One after another, the server has no word for all; and not faster than it takes requests of one person.
    for (const [i, p] of raised.entries()) {
      await store.asHost('lower-hand', p.sessionID);
      if (i >= atOnce) {
        await new Promise((resolve) => setTimeout(resolve, paceMs));
      }
    }
    if (!gone.current) {
      setBusy(false);
    }
  };
  return <button type="button" class="cl-quiet" data-testid="lower-all" disabled={busy} onClick={() => void lower()}>{t('host.lower.all')}</button>;
}
