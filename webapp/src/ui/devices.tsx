/** Choosing microphone and speaker, and the switches of the sound. */
import { useEffect } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { Settings } from '../page/settings';
import type { Device, View } from '../page/view';
import { Panel } from './dialog';
import { Meter, Playback } from './meter';

interface Props {
  store: CallStore;
  view: View;
}

export function DevicePanel({ store, view, onClose }: Props & { onClose(): void }) {
  useFreshDevices(store);
  useEffect(() => void store.configure({ checked: true }), [store]); // the meter and the playback are here too
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

/** The devices that are there now; what is plugged in meanwhile can be chosen at once. */
export function useFreshDevices(store: CallStore): void {
  useEffect(() => {
    const look = () => void store.refreshDevices();
    look();
    navigator.mediaDevices?.addEventListener?.('devicechange', look);
    return () => navigator.mediaDevices?.removeEventListener?.('devicechange', look);
  }, [store]);
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

type Flag = Exclude<{ [K in keyof Settings]: Settings[K] extends boolean ? K : never }[keyof Settings], 'singleKeys' | 'checked'>;

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
