/** Choosing what to share in the desktop app, whose window has no picker of its own. */
import { useEffect, useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { Dialog } from '../ui/dialog';

interface Source {
  readonly id: string;
  readonly name: string;
  readonly thumbnailURL: string;
}

/** Since 5.1.0 the app answers a question for sources; before that it had none to give, and the browser's own way is tried. */
export function needsShareDialog(): boolean {
  const version = (window as typeof window & { desktop?: { version?: string } }).desktop?.version;
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return version !== undefined && (major > 5 || (major === 5 && minor >= 1));
}

export function ShareDialog({ store, onClose }: { store: CallStore; onClose(): void }) {
  const [sources, setSources] = useState<readonly Source[] | null>(null);
  const [chosen, setChosen] = useState('');
  useEffect(() => {
    const hear = (event: MessageEvent) => {
      if (event.origin === window.location.origin && event.data?.type === 'desktop-sources-result' && Array.isArray(event.data.message)) {
        setSources(event.data.message);
        setChosen(event.data.message[0]?.id ?? '');
      }
    };
    window.addEventListener('message', hear);
    window.postMessage({ type: 'get-desktop-sources', message: { types: ['window', 'screen'], thumbnailSize: { width: 400, height: 400 } } }, window.location.origin);
    return () => window.removeEventListener('message', hear);
  }, []);
  const share = async () => {
    onClose();
    try {
      // The app's own form of constraint, from before browsers had a picker.
      const video = { mandatory: { chromeMediaSource: 'desktop', chromeMediaSourceId: chosen, maxFrameRate: 30 } } as MediaTrackConstraints;
      await store.toggleScreen(await navigator.mediaDevices.getUserMedia({ audio: false, video }));
    } catch (error) {
      store.fail(error);
    }
  };
  return (
    <Dialog id="calls-screen-source-modal" title={t('share.title')} onClose={onClose}>
      {sources === null ? <p>{t('share.wait')}</p> : (
        <ul class="cl-sources">
          {sources.map((source) => (
            <li key={source.id}>
              <button type="button" aria-pressed={chosen === source.id} onClick={() => setChosen(source.id)}>
                <img src={source.thumbnailURL} alt="" />
                <span>{source.name}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="cl-buttons">
        <button type="button" class="cl-outline" onClick={onClose}>{t('share.cancel')}</button>
        <button type="button" class="cl-primary" disabled={chosen === ''} onClick={() => void share()}>{t('call.share')}</button>
      </div>
    </Dialog>
  );
}
