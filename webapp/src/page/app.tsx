/** The page: one of its steps, and the live regions that outlive them. */
import { useEffect, useState } from 'preact/hooks';

import { t } from '../i18n';
import { CallView, Ended } from './call';
import { Broken, Lobby, Login } from './before';
import type { PageStore, View } from './store';

export function App({ store }: { store: PageStore }) {
  const view = useView(store);
  useEffect(() => {
    document.title = view.title ? t('page.title.channel', { channel: view.title }) : t('page.title');
  }, [view.title]);
  return (
    <>
      <Step store={store} view={view} />
      <LiveRegion view={view} />
    </>
  );
}

function Step({ store, view }: { store: PageStore; view: View }) {
  switch (view.step) {
    case 'loading':
      return <main class="card-page">{t('loading')}</main>;
    case 'login':
      return <Login store={store} view={view} />;
    case 'lobby':
      return <Lobby store={store} view={view} />;
    case 'broken':
      return <Broken store={store} view={view} />;
    case 'call':
      return view.status.phase === 'ended' ? <Ended store={store} view={view} status={view.status} /> : <CallView store={store} view={view} />;
  }
}

/** Two regions by turns, so that the same words said twice are read twice. */
function LiveRegion({ view }: { view: View }) {
  const { text, id } = view.spoken;
  return (
    <>
      <div class="sr-only" aria-live="polite" data-testid="live">{id % 2 === 0 ? text : ''}</div>
      <div class="sr-only" aria-live="polite" data-testid="live">{id % 2 === 1 ? text : ''}</div>
    </>
  );
}

function useView(store: PageStore): View {
  const [view, setView] = useState(store.view);
  useEffect(() => {
    setView(store.view);
    return store.subscribe(setView);
  }, [store]);
  return view;
}
