/** The page: one of its steps, and the live regions that outlive them. */
import { useEffect } from 'preact/hooks';

import { t } from '../i18n';
import { LiveRegion } from '../ui/live';
import { useView } from '../ui/use_store';
import { Broken, Lobby, Login } from './before';
import { CallView } from './call';
import { Ended } from './leaving';
import type { PageStore } from './store';
import type { View } from './view';

export function App({ store }: { store: PageStore }) {
  const view = useView(store);
  useEffect(() => {
    document.title = view.title ? t('page.title.channel', { channel: view.title }) : t('page.title');
  }, [view.title]);
  useEffect(() => {
    const change = () => store.setAway(document.hidden);
    document.addEventListener('visibilitychange', change);
    return () => document.removeEventListener('visibilitychange', change);
  }, [store]);
  return (
    <div class="calls-root cl-page">
      <Step store={store} view={view} />
      <LiveRegion view={view} />
    </div>
  );
}

function Step({ store, view }: { store: PageStore; view: View }) {
  switch (view.step) {
    case 'loading':
      return <main class="cl-card-page"><p>{t('loading')}</p></main>;
    case 'login':
      return <Login store={store} view={view} />;
    case 'lobby':
      return <Lobby store={store} view={view} />;
    case 'broken':
      return <Broken store={store} view={view} />;
    case 'call':
      return view.status.phase === 'ended' ? (
        <Ended store={store} view={view} status={view.status} onAgain={() => void store.again()} />
      ) : (
        <CallView store={store} view={view} />
      );
  }
}
