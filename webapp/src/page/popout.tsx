/** The call of the window that opened this one: same store, no second connection, and no sound, as the other window plays it. */
import { useEffect } from 'preact/hooks';

import { t } from '../i18n';
import { LiveRegion } from '../ui/live';
import { useView } from '../ui/use_store';
import { CallView } from './call';
import type { CallStore } from './call_store';

export function PopOut({ store }: { store: CallStore }) {
  const view = useView(store);
  useEffect(() => {
    document.title = t('page.title.channel', { channel: view.title });
  }, [view.title]);
  useEffect(() => {
    if (view.status.phase === 'ended') {
      window.close();
    }
  }, [view.status.phase]);
  return (
    <div class="calls-root cl-page">
      {view.status.phase === 'ended' ? (
        <main class="cl-card-page"><p>{t('ended.left')}</p></main>
      ) : (
        <CallView store={store} view={view} silent onCollapse={() => window.close()} />
      )}
      <LiveRegion view={view} />
    </div>
  );
}

/** The opener's call, when it is one of this site and of this channel. */
export function openerStore(channelID: string): CallStore | undefined {
  try {
    const store = (window.opener as Window | null)?.callsStore;
    return store?.channelID === channelID ? store : undefined;
  } catch {
    return undefined; // a window of another site
  }
}
