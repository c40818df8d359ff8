/** Choosing microphone and speaker, and the check before joining: level meter, three seconds of one's own voice, switches. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { meter } from '../page/level';
import type { Settings } from '../page/settings';
import type { Device, View } from '../page/view';
import { Panel } from './dialog';

interface Props {
  store: CallStore;
  view: View;
}

export function DevicePanel({ store, view, onClose }: Props & { onClose(): void }) {
  useEffect(() => {
    void store.refreshDevices();
  }, [store]);
  return (
    <Panel id="calls-devices" title={t('devices.title')} onClose={onClose}>
      <div class="cl-pad">
        <DeviceChoices store={store} view={view} />
        {store.microphoneTrack && <Meter track={store.microphoneTrack} />}
        {store.microphoneTrack && <Playback track={store.microphoneTrack} output={view.settings.output} />}
        <SoundSwitches store={store} view={view} />
        <Switch store={store} view={view} name="pushToTalk" />
        <Switch store={store} view={view} name="sounds" />
        {view.screenAllowed && <Switch store={store} view={view} name="shareSound" />}
        {view.microphone === 'open' && <button type="button" class="cl-quiet" onClick={() => void store.dropMicrophone()}>{t('devices.listen')}</button>}
      </div>
    </Panel>
  );
}

export function DeviceChoices({ store, view }: Props) {
  const { settings, devices } = view;
  return (
    <>
      <Choice id="calls-widget-audio-input-button" label={t('devices.input')} devices={devices.inputs} chosen={settings.input} onChoose={(input) => void store.configure({ input })} />
      <Choice id="calls-widget-audio-output-button" label={t('devices.output')} devices={devices.outputs} chosen={settings.output} onChoose={(output) => void store.configure({ output })}>
        <button type="button" class="cl-quiet" onClick={() => store.sound('test')}>{t('devices.test')}</button>
      </Choice>
    </>
  );
}

interface ChoiceProps {
  id: string;
  label: string;
  devices: readonly Device[];
  chosen: string;
  onChoose(id: string): void;
  children?: preact.ComponentChildren;
}

function Choice({ id, label, devices, chosen, onChoose, children }: ChoiceProps) {
  const known = devices.some((d) => d.id === chosen);
  return (
    <div class="cl-choice">
      <label for={id}>{label}</label>
      <div class="cl-pair">
        <select id={id} class="cl-input" value={known ? chosen : ''} onChange={(event) => onChoose(event.currentTarget.value)}>
          <option value="">{t('devices.system')}</option>
          {devices.map((d) => <option key={d.id} value={d.id}>{d.label}</option>)}
        </select>
        {children}
      </div>
    </div>
  );
}

export function SoundSwitches(props: Props) {
  return (
    <>
      <Switch {...props} name="autoGain" />
      <Switch {...props} name="echoCancellation" />
      <Switch {...props} name="noiseSuppression" />
    </>
  );
}

type Flag = Exclude<{ [K in keyof Settings]: Settings[K] extends boolean ? K : never }[keyof Settings], 'singleKeys'>;

export function Switch({ store, view, name }: Props & { name: Flag }) {
  return (
    <label class="cl-switch">
      <input type="checkbox" role="switch" data-testid={`switch-${name}`} aria-checked={view.settings[name]} checked={view.settings[name]} onChange={(event) => void store.configure({ [name]: event.currentTarget.checked })} />
      <span>
        {t(`switch.${name}`)}
        <span class="cl-note">{t(`switch.${name}.note`)}</span>
      </span>
    </label>
  );
}

const bars = 24;
/** Below this nothing is heard, and for so long it must not be before the meter says so. */
const silentLevel = 0.08;
const silentMs = 3000;

/** The level as bars and, once it is clear, as words. */
export function Meter({ track }: { track: MediaStreamTrack }) {
  const [level, setLevel] = useState(0);
  const [silent, setSilent] = useState<boolean | null>(null);
  const heardAt = useRef(0);
  useEffect(() => {
    heardAt.current = performance.now();
    return meter(track, (now) => {
      setLevel(now);
      if (now >= silentLevel) {
        heardAt.current = performance.now();
        setSilent(false);
      } else if (performance.now() - heardAt.current > silentMs) {
        setSilent(true);
      }
    });
  }, [track]);
  return (
    <div class="cl-meter" data-testid="level" data-level={level.toFixed(2)}>
      <span class="cl-bars" aria-hidden="true">
        {Array.from({ length: bars }, (_, i) => <span key={i} class={i < Math.round(level * bars) ? 'cl-lit' : ''} />)}
      </span>
      <span class="cl-note" role="status">{silent === null ? t('check.listening') : t(silent ? 'check.silent' : 'check.heard')}</span>
    </div>
  );
}

const recordMs = 3000;

/** Records three seconds and plays them: what others would hear, with the switches as they are. */
export function Playback({ track, output }: { track: MediaStreamTrack; output: string }) {
  const [state, setState] = useState<'idle' | 'recording' | 'ready'>('idle');
  const audio = useRef<HTMLAudioElement>(null);
  const address = useRef('');
  useEffect(() => () => URL.revokeObjectURL(address.current), []);
  const record = () => {
    const recorder = new MediaRecorder(new MediaStream([track]));
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => {
      URL.revokeObjectURL(address.current);
      address.current = URL.createObjectURL(new Blob(parts, { type: recorder.mimeType }));
      setState('ready');
    };
    recorder.start();
    setState('recording');
    setTimeout(() => recorder.state === 'recording' && recorder.stop(), recordMs);
  };
  const play = async () => {
    const element = audio.current as (HTMLAudioElement & { setSinkId?(id: string): Promise<void> }) | null;
    if (element) {
      element.src = address.current;
      await element.setSinkId?.(output).catch(() => undefined);
      await element.play();
    }
  };
  return (
    <div class="cl-wrap">
      <button type="button" class="cl-outline" data-testid="check-record" disabled={state === 'recording'} onClick={record}>
        {t(state === 'recording' ? 'check.recording' : 'check.record')}
      </button>
      <button type="button" class="cl-quiet" data-testid="check-play" disabled={state !== 'ready'} onClick={() => void play().catch(() => undefined)}>{t('check.play')}</button>
      {/* biome-ignore lint/a11y/useMediaCaption: it is what the person just said. */}
      <audio ref={audio} />
    </div>
  );
}

/** The whole check. It asks for the microphone, and gives it back at the end. */
export function Check({ store, view }: Props) {
  const [track, setTrack] = useState<MediaStreamTrack | null>(null);
  const [failed, setFailed] = useState(false);
  const { input, autoGain, echoCancellation, noiseSuppression } = view.settings;
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
