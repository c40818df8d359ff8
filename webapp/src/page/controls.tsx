/** The control bar. A toggle says what a press does and, by aria-pressed, whether what it stands for is on. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

import { t } from '../i18n';
import { HangUpIcon, HeadphonesIcon, MicIcon, MicOffIcon, ScreenIcon, StopScreenIcon } from './icons';
import type { PageStore, View } from './store';

export function Controls({ store, view }: { store: PageStore; view: View }) {
  const bar = useRef<HTMLDivElement>(null);
  const live = view.status.phase === 'connected' || view.status.phase === 'reconnecting';
  const othersScreen = view.call.screenSessionID !== '' && view.call.screenSessionID !== view.selfID;
  return (
    <footer class="controls">
      <div ref={bar} class="buttons" role="toolbar" aria-label={t('call.controls')} onKeyDown={(event) => moveFocus(event, bar.current)}>
        <MicrophoneButton store={store} view={view} disabled={!live || view.switching} />
        <ControlButton
          id="calls-widget-menu-screenshare"
          label={t(view.sharing ? 'call.unshare' : 'call.share')}
          pressed={view.sharing}
          disabled={!live || othersScreen}
          kind={view.sharing ? 'on' : ''}
          onClick={() => void store.toggleScreen()}
        >
          {view.sharing ? <StopScreenIcon /> : <ScreenIcon />}
        </ControlButton>
        <ControlButton id="calls-widget-leave-button" label={t('call.leave')} kind="leave" onClick={() => store.leave()}>
          <HangUpIcon />
        </ControlButton>
      </div>
    </footer>
  );
}

function MicrophoneButton({ store, view, disabled }: { store: PageStore; view: View; disabled: boolean }) {
  const press = () => void store.toggleMicrophone();
  if (view.microphone !== 'open') {
    return (
      <ControlButton id="voice-mute-unmute" label={t('call.microphone')} disabled={disabled} onClick={press}>
        <HeadphonesIcon />
      </ControlButton>
    );
  }
  const unmuted = view.call.participants.get(view.selfID)?.unmuted ?? false;
  return (
    <ControlButton id="voice-mute-unmute" label={t(unmuted ? 'call.mute' : 'call.unmute')} pressed={unmuted} disabled={disabled} kind={unmuted ? 'open' : 'muted'} onClick={press}>
      {unmuted ? <MicIcon /> : <MicOffIcon />}
    </ControlButton>
  );
}

interface ButtonProps {
  id: string;
  label: string;
  pressed?: boolean;
  disabled?: boolean;
  kind?: string;
  onClick(): void;
  children: ComponentChildren;
}

function ControlButton({ id, label, pressed, disabled = false, kind = '', onClick, children }: ButtonProps) {
  // aria-disabled, not disabled: a button that is busy for a moment must not throw the focus away.
  return (
    <button
      type="button"
      class={`control ${kind}`}
      id={id}
      data-testid={id}
      aria-pressed={pressed}
      aria-disabled={disabled}
      aria-label={label}
      title={label}
      onClick={() => disabled || onClick()}
    >
      <span class="face">{children}</span>
      <span class="label" aria-hidden="true">{label}</span>
    </button>
  );
}

/** Arrows move inside a toolbar. Tab goes through it too: with three buttons that is quicker than to learn. */
function moveFocus(event: KeyboardEvent, bar: HTMLElement | null): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!bar || !step) {
    return;
  }
  const buttons = [...bar.querySelectorAll('button')];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const rtl = getComputedStyle(bar).direction === 'rtl' ? -1 : 1;
  buttons[(at + step * rtl + buttons.length) % buttons.length]?.focus();
  event.preventDefault();
}
