/** Choosing what to share in the desktop app, whose window has no picker of its own. */
import { useEffect, useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { Switch } from './devices';
import { Dialog } from './dialog';
import { ScreenIcon } from './icons';

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

/** The app's ids begin with the kind of source. Only whole screens have sound. */
export function isScreen(id: string): boolean {
  return id.startsWith('screen:');
}

/** The app's own form of constraint, from before browsers had a picker. */
export function desktopConstraints(id: string, sound: boolean): MediaStreamConstraints {
  const video = { mandatory: { chromeMediaSource: 'desktop', chromeMediaSourceId: id, maxFrameRate: 30 } } as MediaTrackConstraints;
  const audio = { mandatory: { chromeMediaSource: 'desktop' } } as MediaTrackConstraints;
  return { video, audio: sound && isScreen(id) ? audio : false };
}

function useSources(): readonly Source[] | null {
  const [sources, setSources] = useState<readonly Source[] | null>(null);
  useEffect(() => {
    const hear = (event: MessageEvent) => {
      if (event.origin === window.location.origin && event.data?.type === 'desktop-sources-result' && Array.isArray(event.data.message)) {
        setSources(event.data.message.filter((s: Partial<Source>) => typeof s?.id === 'string' && typeof s.name === 'string'));
      }
    };
    window.addEventListener('message', hear);
    window.postMessage({ type: 'get-desktop-sources', message: { types: ['window', 'screen'], thumbnailSize: { width: 400, height: 400 } } }, window.location.origin);
    return () => window.removeEventListener('message', hear);
  }, []);
  return sources;
}

export function ShareDialog({ store, view, onClose }: { store: CallStore; view: View; onClose(): void }) {
  const sources = useSources();
  const [chosen, setChosen] = useState('');
  const [screens, setScreens] = useState(false);
  const shown = sources?.filter((s) => isScreen(s.id) === screens) ?? [];
  const source = shown.find((s) => s.id === chosen) ?? shown[0];
  const share = async () => {
    if (!source) {
      return;
    }
    onClose();
    try {
      await store.toggleScreen(await navigator.mediaDevices.getUserMedia(desktopConstraints(source.id, view.settings.shareSound)));
    } catch (error) {
      store.fail(error);
    }
  };
  return (
    <Dialog id="calls-screen-source-modal" title={t('share.title')} onClose={onClose}>
      {sources === null ? <p>{t('share.wait')}</p> : (
        <>
          <Kinds sources={sources} screens={screens} onScreens={setScreens} />
          <ul class="cl-sources">
            {shown.map(({ id, name, thumbnailURL }) => (
              <li key={id}>
                <button type="button" aria-pressed={source?.id === id} onClick={() => setChosen(id)}>
                  <img src={thumbnailURL} alt="" />
                  <span class="cl-name">{name}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <Modes store={store} view={view} />
      {screens ? <Switch store={store} view={view} name="shareSound" /> : <p class="cl-note">{t('switch.shareSound')}: {t('share.sound.none')}</p>}
      <div class="cl-buttons">
        <button type="button" class="cl-outline" onClick={onClose}>{t('share.cancel')}</button>
        <button type="button" class="cl-primary" data-testid="share-go" disabled={!source} onClick={() => void share()}><ScreenIcon />{t('call.share')}</button>
      </div>
    </Dialog>
  );
}

function Kinds({ sources, screens, onScreens }: { sources: readonly Source[]; screens: boolean; onScreens(on: boolean): void }) {
  const count = (on: boolean) => sources.filter((s) => isScreen(s.id) === on).length;
  const button = (on: boolean, label: string) => (
    <button type="button" aria-pressed={screens === on} onClick={() => onScreens(on)}>{label} <span class="cl-num">{count(on)}</span></button>
  );
  return (
    <div class="cl-tabs">
      {button(false, t('share.windows'))}
      {button(true, t('share.screens'))}
    </div>
  );
}

/** Sharp text or smooth motion, said with what each costs. */
function Modes({ store, view }: { store: CallStore; view: View }) {
  return (
    <fieldset class="cl-modes">
      <legend class="cl-note">{t('share.matters')}</legend>
      {(['detail', 'motion'] as const).map((mode) => (
        <label key={mode} class="cl-mode-card">
          <input type="radio" name="calls-share-mode" value={mode} checked={view.shareMode === mode} onChange={() => store.setShareMode(mode)} />
          <span>
            <strong>{t(`share.${mode}`)}</strong>
            <span class="cl-note cl-block">{t(`share.${mode}.note`)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
