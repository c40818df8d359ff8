/** The floating widget: who talks, the six buttons, how the line is; and the panel that opens above it. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import type { PanelName } from '../page/call';
import type { CallStore } from '../page/call_store';
import { LeaveDialog, mayEnd } from '../page/leaving';
import { Notices } from '../page/notices';
import { clock } from '../page/sentences';
import { useKeys } from '../page/use_keys';
import type { Device, View } from '../page/view';
import { Avatar } from '../ui/avatar';
import { DevicePanel } from '../ui/devices';
import { ExpandIcon, HandIcon, HangUpIcon, HeadphonesIcon, MicIcon, MicOffIcon, MoreIcon, PeopleIcon, ScreenIcon, StopScreenIcon } from '../ui/icons';
import { Line } from '../ui/line';
import { ConnectionPanel, KeysPanel, TalkedPanel } from '../ui/panels';
import { PeoplePanel } from '../ui/people_panel';
import { ReactionLine, ReactionPicker } from '../ui/reactions';
import { needsShareDialog, ShareDialog } from '../ui/share';
import { ThreadPanel } from '../ui/thread';
import { useToolbar } from '../ui/toolbar';
import { useNow } from '../ui/use_store';
import { useDrag } from './drag';
import type { InCall } from './ui';

interface Props {
  ui: InCall;
  store: CallStore;
  view: View;
  channelID: string;
}

type Open = PanelName | 'menu';

export function Widget({ ui, store, view, channelID }: Props) {
  const [open, setOpen] = useState<Open>('');
  const [dialog, setDialog] = useState<'' | 'leave' | 'share'>('');
  const drag = useDrag();
  const toggle = (name: Open) => setOpen((now) => (now === name ? '' : name));
  const leave = () => (mayEnd(view) ? setDialog('leave') : store.leave());
  const share = () => (view.call.screenSessionID === '' && needsShareDialog() ? setDialog('share') : void store.toggleScreen());
  useKeys(store, { people: () => toggle('people'), react: () => toggle('react'), screen: share, leave }, false);
  return (
    <section ref={drag.box} id="calls-widget" data-testid="calls-widget" class={`cl-widget a11y__region${view.sharing ? ' cl-sharing' : ''}`} data-a11y-sort-order="99" tabIndex={-1} aria-label={t('widget.label', { channel: view.title })}>
      {open !== '' && <Above open={open} onOpen={setOpen} store={store} view={view} />}
      <header class="cl-widget-head" {...drag.head}>
        <span class="cl-dot" aria-hidden="true" />
        <Time view={view} />
        <button type="button" class="cl-link cl-text" onClick={() => ui.bridge.openChannel(channelID)}><bdi>{view.title}</bdi></button>
        <button type="button" class="cl-icon-button" id="calls-widget-expand-button" data-testid="calls-widget-expand-button" aria-label={t('widget.expand')} title={t('widget.expand')} onClick={() => ui.expand()}>
          <ExpandIcon />
        </button>
      </header>
      <div class="cl-notices"><Notices store={store} view={view} one onDevices={() => setOpen('devices')} onConnection={() => setOpen('connection')} onTalked={() => setOpen('talked')} /></div>
      <Talker store={store} view={view} />
      <Buttons store={store} view={view} open={open} onOpen={toggle} onShare={share} onLeave={leave} />
      <Line view={view} onOpen={() => toggle('connection')} />
      {dialog === 'leave' && <LeaveDialog store={store} view={view} onClose={() => setDialog('')} />}
      {dialog === 'share' && <ShareDialog store={store} view={view} onClose={() => setDialog('')} />}
    </section>
  );
}

function Time({ view }: { view: View }) {
  const now = useNow(1000);
  return <span class="cl-num" data-testid="duration">{view.call.startAt > 0 ? clock(now - view.call.startAt) : '0:00'}</span>;
}

/** Who talks, else who talked last and when; alone, it says that. */
function Talker({ store, view }: { store: CallStore; view: View }) {
  const now = useNow(1000);
  const talking = [...view.call.participants.values()].find((p) => p.voice);
  const { last } = view.trail;
  const user = talking?.userID ?? last?.userID ?? '';
  const lines = (): [string, string] => {
    if (view.status.phase !== 'connected' && view.status.phase !== 'reconnecting') {
      return [t('header.connecting'), t(`status.${view.status.phase}`)];
    }
    if (view.call.participants.size < 2) {
      return [t('widget.alone'), t('widget.alone.note')];
    }
    if (talking) {
      return [store.nameOf(user), t('person.talking')];
    }
    return last ? [store.nameOf(user), t('widget.talked', { time: clock(now - last.at) })] : [t('widget.quiet'), t('widget.people', { count: view.call.participants.size })];
  };
  const [name, note] = lines();
  return (
    <div class="cl-talker" data-testid="talker">
      <Avatar id={user} name={user === '' ? '·' : name} ring={talking !== undefined} />
      <span class="cl-text"><strong><bdi>{name}</bdi></strong><span class="cl-note cl-block">{note}</span></span>
      <ReactionLine store={store} view={view} />
    </div>
  );
}

interface ButtonsProps {
  store: CallStore;
  view: View;
  open: Open;
  onOpen(name: Open): void;
  onShare(): void;
  onLeave(): void;
}

function Buttons({ store, view, open, onOpen, onShare, onLeave }: ButtonsProps) {
  const bar = useRef<HTMLDivElement>(null);
  const toolbar = useToolbar(bar);
  const self = view.call.participants.get(view.selfID);
  const live = view.status.phase === 'connected' || view.status.phase === 'reconnecting';
  const [hand, unmuted, none] = [(self?.raisedHand ?? 0) > 0, self?.unmuted ?? false, view.microphone !== 'open'];
  const others = view.call.screenSessionID !== '' && view.call.screenSessionID !== view.selfID;
  return (
    <div ref={bar} class="cl-widget-bar" role="toolbar" aria-label={t('call.controls')} {...toolbar}>
      <Button id="voice-mute-unmute" label={t(none ? 'call.microphone' : unmuted ? 'call.mute' : 'call.unmute')} {...(none ? {} : { pressed: unmuted })} kind={none ? '' : unmuted ? 'open' : 'muted'} disabled={!live || view.switching} onClick={() => void store.toggleMicrophone()}>
        {none ? <HeadphonesIcon /> : unmuted ? <MicIcon /> : <MicOffIcon />}
      </Button>
      {view.channelType !== 'D' && <Button id="raise-hand" label={t(hand ? 'call.lower' : 'call.raise')} pressed={hand} kind={hand ? 'hand-up' : ''} disabled={!live} onClick={() => store.toggleHand()}><HandIcon /></Button>}
      {view.screenAllowed && <Button id="calls-widget-menu-screenshare" label={t(view.sharing ? 'call.unshare' : 'call.share')} pressed={view.sharing} kind={view.sharing ? 'on' : ''} disabled={!live} refuses={others} onClick={onShare}>{view.sharing ? <StopScreenIcon /> : <ScreenIcon />}</Button>}
      <Button id="show-participants-list" label={t('people.title', { count: view.call.participants.size })} pressed={open === 'people'} kind={open === 'people' ? 'on' : ''} onClick={() => onOpen('people')}>
        <PeopleIcon /><span class="cl-num" aria-hidden="true">{view.call.participants.size}</span>
      </Button>
      <Button id="calls-widget-toggle-menu-button" label={t('widget.menu')} pressed={open === 'menu'} kind={open === 'menu' ? 'on' : ''} onClick={() => onOpen('menu')}><MoreIcon /></Button>
      <Button id="calls-widget-leave-button" label={t('call.leave')} kind="leave" onClick={onLeave}><HangUpIcon /></Button>
    </div>
  );
}

interface ButtonProps {
  id: string;
  label: string;
  pressed?: boolean;
  kind: string;
  disabled?: boolean;
  /** A press does not do it, but says why not. */
  refuses?: boolean;
  onClick(): void;
  children: ComponentChildren;
}

function Button({ id, label, pressed, kind, disabled = false, refuses = false, onClick, children }: ButtonProps) {
  return (
    <button type="button" id={id} data-testid={id} class={`cl-small${kind ? ` cl-${kind}` : ''}`} aria-label={label} title={label} aria-pressed={pressed} aria-disabled={disabled || refuses} onClick={() => disabled || onClick()}>
      {children}
    </button>
  );
}

/** What opens above the widget. */
function Above({ open, onOpen, store, view }: { open: Open; onOpen(name: Open): void; store: CallStore; view: View }) {
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
      return <div class="cl-above"><Menu view={view} onOpen={onOpen} /></div>;
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

function Menu({ view, onOpen }: { view: View; onOpen(name: Open): void }) {
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
