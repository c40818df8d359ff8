/** The widget's row of buttons. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { HandIcon, HangUpIcon, HeadphonesIcon, MicIcon, MicOffIcon, MoreIcon, PeopleIcon, ScreenIcon, StopScreenIcon } from '../ui/icons';
import { useToolbar } from '../ui/toolbar';
import type { Open } from './widget_menu';

interface ButtonsProps {
  store: CallStore;
  view: View;
  open: Open;
  onOpen(name: Open): void;
  /** Missing where there is no room for it; it is in the menu then. */
  onShare?(): void;
  onLeave(): void;
}

export function Buttons({ store, view, open, onOpen, onShare, onLeave }: ButtonsProps) {
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
      {onShare && view.screenAllowed && <Button id="calls-widget-menu-screenshare" label={t(view.sharing ? 'call.unshare' : 'call.share')} pressed={view.sharing} kind={view.sharing ? 'on' : ''} disabled={!live} refuses={others} onClick={onShare}>{view.sharing ? <StopScreenIcon /> : <ScreenIcon />}</Button>}
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
