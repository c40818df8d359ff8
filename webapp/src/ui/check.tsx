/** The check before a call: devices, level meter, three seconds of one's own voice, switches. */
import { useEffect, useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { DeviceChoices, SoundSwitches, useFreshDevices } from './devices';
import { Meter, Playback } from './meter';

/** It asks for the microphone, and gives it back at the end. */
export function Check({ store, view }: { store: CallStore; view: View }) {
  const [track, setTrack] = useState<MediaStreamTrack | null>(null);
  const [failed, setFailed] = useState(false);
  const { input, autoGain, echoCancellation, noiseSuppression } = view.settings;
  useFreshDevices(store);
  useEffect(() => {
    let opened: MediaStreamTrack | null = null;
    let over = false;
    store.openForCheck().then(
      (now) => {
        opened = now;
        if (over) {
          now.stop();
        } else {
          setTrack(now);
          setFailed(false);
          void store.refreshDevices();
        }
      },
      () => setFailed(true),
    );
    return () => {
      over = true;
      opened?.stop();
      setTrack(null);
    };
  }, [store, input, autoGain, echoCancellation, noiseSuppression]);
  useEffect(() => void store.configure({ checked: true }), [store]);
  return (
    <div class="cl-check" data-testid="check">
      <DeviceChoices store={store} view={view} />
      {failed && <p class="cl-problem" role="alert">{t('error.no_microphone')}</p>}
      {track && <Meter key={track.id} track={track} />}
      {track && <Playback key={`p${track.id}`} track={track} output={view.settings.output} />}
      <SoundSwitches store={store} view={view} />
    </div>
  );
}
