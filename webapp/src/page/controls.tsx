/** The control bar. A toggle says what a press does and, by aria-pressed, whether what it stands for is on. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import { ChevronIcon, ClockIcon, HandIcon, HangUpIcon, HeadphonesIcon, KeysIcon, MicIcon, MicOffIcon, MoreIcon, PeopleIcon, ScreenIcon, SmileIcon, StopScreenIcon, ThreadIcon } from '../ui/icons';
import { PopBar } from '../ui/pop_bar';
import { ReactionLine, ReactionPicker } from '../ui/reactions';
import { useToolbar } from '../ui/toolbar';
import { useNarrow } from '../ui/use_narrow';
import type { PanelName } from './call';
import type { CallStore } from './call_store';
import type { View } from './view';

interface Props {
  store: CallStore;
  view: View;
  panel: PanelName;
  onPanel(name: PanelName): void;
  onShare(): void;
  onLeave(): void;
  /** In a window beside the host's, where other people's tests know the microphone's button by a name of its own. */
  popout?: boolean;
}

export function Controls({ store, view, panel, onPanel, onShare, onLeave, popout = false }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const toolbar = useToolbar(bar);
  const footer = useRef<HTMLElement>(null);
  const narrow = useNarrow(footer);
  const [more, setMore] = useState(false);
  const closeMore = () => {
    setMore(false);
    bar.current?.querySelector<HTMLElement>('#calls-more-button')?.focus(); // what had the focus is gone; a panel takes it from here
  };
  /** The focus may still be on the button that opened them. */
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && (more || panel === 'react')) {
      event.stopPropagation();
      setMore(false);
      if (panel === 'react') {
        onPanel('react');
      }
    } else {
      toolbar.onKeyDown(event);
    }
  };
  const live = view.status.phase === 'connected' || view.status.phase === 'reconnecting';
  const hand = (view.call.participants.get(view.selfID)?.raisedHand ?? 0) > 0;
  const panelButton = (name: PanelName, label: string, icon: ComponentChildren, badge = 0) => (
    <ControlButton id={`calls-${name}-button`} label={label} pressed={panel === name} kind={panel === name ? 'on' : ''} badge={badge} onClick={() => onPanel(name)}>{icon}</ControlButton>
  );
  const rest = [
    <ShareButtons key="share" store={store} view={view} live={live} onShare={onShare} />,
    panelButton('people', t('call.list'), <PeopleIcon />, view.call.participants.size),
    panelButton('talked', t('call.talked'), <ClockIcon />),
    panelButton('devices', t('call.devices'), <HeadphonesIcon />),
    panelButton('keys', t('call.keys'), <KeysIcon />),
  ];
  const [share, people, ...others] = rest;
  return (
    <footer ref={footer} class="cl-controls" data-region="controls">
      {panel === 'react' && <ReactionPicker store={store} onClose={() => onPanel('react')} />}
      {/* What has no room in the one row of the bar, under the names that a wide one shows. A press does it and closes this. */}
      {narrow && more && <PopBar class="cl-more" label={t('widget.menu')} testID="calls-more" onClose={closeMore} onClick={closeMore}>{rest}</PopBar>}
      <ReactionLine store={store} view={view} />
      <div ref={bar} class="cl-bar" role="toolbar" aria-label={t('call.controls')} {...toolbar} onKeyDown={keys}>
        <MicrophoneButton store={store} view={view} disabled={!live || view.switching} id={popout ? 'calls-popout-mute-button' : 'voice-mute-unmute'} />
        {!narrow && share}
        {view.channelType !== 'D' && (
          <ControlButton id="calls-hand-button" label={t(hand ? 'call.lower' : 'call.raise')} pressed={hand} disabled={!live} kind={hand ? 'hand-up' : ''} onClick={() => store.toggleHand()}>
            <HandIcon />
          </ControlButton>
        )}
        {panelButton('react', t('call.react'), <SmileIcon />)}
        {!narrow && people}
        {panelButton('thread', t('call.thread'), <ThreadIcon />)}
        {narrow ? <ControlButton id="calls-more-button" label={t('widget.menu')} pressed={more} kind={more ? 'on' : ''} onClick={() => setMore(!more)}><MoreIcon /></ControlButton> : others}
        <ControlButton id="calls-widget-leave-button" label={t('call.leave')} kind="leave" onClick={onLeave}>
          <HangUpIcon />
        </ControlButton>
      </div>
    </footer>
  );
}

function ShareButtons({ store, view, live, onShare }: { store: CallStore; view: View; live: boolean; onShare(): void }) {
  if (!view.screenAllowed) {
    return null;
  }
  const othersScreen = view.call.screenSessionID !== '' && view.call.screenSessionID !== view.selfID;
  const other = view.shareMode === 'detail' ? 'motion' : 'detail';
  return (
    <>
      <ControlButton
        id="calls-widget-menu-screenshare"
        label={t(view.sharing ? 'call.unshare' : 'call.share')}
        pressed={view.sharing}
        disabled={!live}
        refuses={othersScreen}
        kind={view.sharing ? 'on' : ''}
        onClick={onShare}
      >
        {view.sharing ? <StopScreenIcon /> : <ScreenIcon />}
      </ControlButton>
      <button type="button" key="mode" class="cl-mode" data-testid="share-mode" data-mode={view.shareMode} title={t(`share.to.${other}`)} aria-label={`${t(`share.${view.shareMode}`)}. ${t(`share.to.${other}`)}`} onClick={() => store.setShareMode(other)}>
        <ChevronIcon />
        <span aria-hidden="true">{t(`share.${view.shareMode}`)}</span>
      </button>
    </>
  );
}

export function MicrophoneButton({ store, view, disabled, id }: { store: CallStore; view: View; disabled: boolean; id: string }) {
  const press = () => void store.toggleMicrophone();
  if (view.microphone !== 'open') {
    return (
      <ControlButton id={id} label={t('call.microphone')} disabled={disabled} onClick={press}>
        <HeadphonesIcon />
      </ControlButton>
    );
  }
  const unmuted = view.call.participants.get(view.selfID)?.unmuted ?? false;
  return (
    <ControlButton id={id} label={t(unmuted ? 'call.mute' : 'call.unmute')} pressed={unmuted} disabled={disabled} kind={unmuted ? 'open' : 'muted'} onClick={press}>
      {unmuted ? <MicIcon /> : <MicOffIcon />}
    </ControlButton>
  );
}

interface ButtonProps {
  id: string;
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  /** A press does not do it, but says why not. */
  refuses?: boolean;
  kind?: string;
  badge?: number;
  onClick(): void;
  children: ComponentChildren;
}

export function ControlButton({ id, label, pressed, disabled = false, refuses = false, kind = '', badge = 0, onClick, children }: ButtonProps) {
  // aria-disabled, not disabled: a button that is busy for a moment must not throw the focus away.
  return (
    <button
      type="button"
      class={`cl-control${kind ? ` cl-${kind}` : ''}`}
      id={id}
      data-testid={id}
      aria-pressed={pressed}
      aria-disabled={disabled || refuses}
      title={label}
      onClick={() => disabled || onClick()}
    >
      <span class="cl-face">
        {children}
        {badge > 0 && <span class="cl-badge">{badge}</span>}
      </span>
      {/* It is the button's name, also where there is no room to show it. */}
      <span class="cl-label">{label}</span>
    </button>
  );
}
