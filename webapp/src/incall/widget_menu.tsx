/** What opens above the widget: its menu, and the panels that the menu leads to. */
import { t } from '../i18n';
import type { PanelName } from '../page/call';
import type { CallStore } from '../page/call_store';
import type { Device, View } from '../page/view';
import { DevicePanel } from '../ui/devices';
import { ConnectionPanel, KeysPanel, TalkedPanel } from '../ui/panels';
import { PeoplePanel } from '../ui/people_panel';
import { ReactionPicker } from '../ui/reactions';
import { ThreadPanel } from '../ui/thread';

export type Open = PanelName | 'menu';

/** Sharing as an entry of the menu. */
export function shareEntry(view: View, onPress: () => void): Act[] {
  return view.screenAllowed ? [{ label: t(view.sharing ? 'call.unshare' : 'call.share'), id: 'calls-widget-menu-screenshare', pressed: view.sharing, onPress }] : [];
}

/** What opens above the widget. */
export function Above({ open, onOpen, store, view, more }: { open: Open; onOpen(name: Open): void; store: CallStore; view: View; more: readonly Act[] }) {
  const close = () => onOpen('');
  const props = { store, view, onClose: close };
  switch (open) {
    case 'people':
      return <div class="cl-above"><PeoplePanel {...props} /></div>;
    case 'devices':
      return <div class="cl-above"><DevicePanel {...props} /></div>;
    case 'connection':
      return <div class="cl-above"><ConnectionPanel {...props} /></div>;
    case 'talked':
      return <div class="cl-above"><TalkedPanel {...props} /></div>;
    case 'keys':
      return <div class="cl-above"><KeysPanel {...props} /></div>;
    case 'thread':
      return <div class="cl-above"><ThreadPanel {...props} /></div>;
    case 'react':
      return <div class="cl-above"><ReactionPicker store={store} onClose={close} /></div>;
    case 'menu':
      return <div class="cl-above"><Menu view={view} onOpen={onOpen} more={more} /></div>;
    case '':
      return null;
  }
}

interface Entry {
  panel: PanelName;
  label: string;
  /** Under which other people's tests look for it, and what it is set to. */
  id?: string;
  now?: string;
}

/** An entry that does something by itself. */
interface Act {
  label: string;
  id?: string;
  pressed?: boolean;
  onPress(): void;
}

function Menu({ view, onOpen, more }: { view: View; onOpen(name: Open): void; more: readonly Act[] }) {
  const { settings, devices } = view;
  const nameOf = (list: readonly Device[], chosen: string) => list.find((d) => d.id === chosen)?.label ?? t('devices.system');
  const entries: Entry[] = [
    { panel: 'react', label: t('call.react') },
    { panel: 'devices', label: t('devices.input'), id: 'calls-widget-audio-input-button', now: nameOf(devices.inputs, settings.input) },
    { panel: 'devices', label: t('devices.output'), id: 'calls-widget-audio-output-button', now: nameOf(devices.outputs, settings.output) },
    { panel: 'thread', label: t('call.thread') },
    { panel: 'talked', label: t('talked.title') },
    { panel: 'connection', label: t('facts.title') },
    { panel: 'keys', label: t('keys.title') },
  ];
  const onEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onOpen('');
    }
  };
  return (
    <ul class="cl-panel cl-menu" data-testid="calls-widget-menu" aria-label={t('widget.menu')} onKeyDown={onEscape}>
      {more.map(({ label, id, pressed, onPress }) => (
        <li key={label}>
          <button type="button" id={id} data-testid={id} aria-pressed={pressed} onClick={() => { onOpen(''); onPress(); }}>{label}</button>
        </li>
      ))}
      {entries.map(({ panel, label, id, now }) => (
        <li key={label}>
          <button type="button" id={id} data-testid={id ?? `menu-${panel}`} onClick={() => onOpen(panel)}>
            {label}
            {now !== undefined && <span class="cl-note cl-block">{now}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}
