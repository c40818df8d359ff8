/** The call of the window that opened this one: same store, no second connection, and no sound, as the other window plays it. */
import { useEffect, useRef } from 'preact/hooks';

import { t } from '../i18n';
import { LiveRegion } from '../ui/live';
import { useView } from '../ui/use_store';
import { captureScreen } from './browser';
import { CallView } from './call';
import type { CallStore } from './call_store';

/** How a call was in the window from which it is taken over. */
export interface TakeOver {
  readonly unmuted: boolean;
  readonly listen: boolean;
}

export function PopOut({ store }: { store: CallStore }) {
  const view = useView(store);
  const share = useOwnShare(store, view.sharing);
  useEffect(() => {
    document.title = t('page.title.channel', { channel: view.title });
  }, [view.title]);
  useEffect(() => {
    // Whoever has taken the call over goes on with it, and the other window's has ended for that.
    if (view.status.phase === 'ended' && window.callsTakeOver) {
      window.close();
    }
  }, [view.status.phase]);
  return (
    <div class="calls-root cl-page">
      {view.status.phase === 'ended' ? (
        <main class="cl-card-page"><p>{t('ended.left')}</p></main>
      ) : (
        <CallView store={store} view={view} silent onShare={() => void share()} onCollapse={() => window.close()} />
      )}
      <LiveRegion view={view} />
    </div>
  );
}

/** Sharing from this window: browsers show their picker only where the press was. What was captured here ends when this window is closed, so that the share does, too. */
function useOwnShare(store: CallStore, sharing: boolean): () => Promise<void> {
  const own = useRef(false);
  useEffect(() => {
    own.current &&= sharing;
  }, [sharing]);
  useEffect(() => {
    const hide = () => {
      if (own.current && store.view.sharing) {
        void store.toggleScreen();
      }
    };
    window.addEventListener('pagehide', hide);
    return () => window.removeEventListener('pagehide', hide);
  }, [store]);
  return async () => {
    const { call, settings } = store.view;
    if (store.view.sharing || call.screenSessionID !== '') {
      await store.toggleScreen(); // ends it, or says who shares
      return;
    }
    const capture = await captureScreen(settings.shareSound).catch(() => null);
    if (capture) {
      own.current = true;
      await store.toggleScreen(capture);
    }
  };
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
