/** What is wrong or worth knowing, one sentence each, with the way on where there is one; the gravest first, and the rest waits behind a number. */
import { useState } from 'preact/hooks';

import { decimal, t } from '../i18n';
import { BarsIcon, CloseIcon, HeadphonesIcon, MicIcon, MicOffIcon, ScreenIcon, VolumeIcon } from '../ui/icons';
import { useNow } from '../ui/use_store';
import type { CallStore } from './call_store';
import { errorSentence } from './sentences';
import type { View } from './view';

const microphoneNotices = { none: 'notice.listener', blocked: 'notice.blocked', insecure: 'notice.insecure', lost: 'notice.lost' } as const;
/** How long one is welcomed back. */
const backMs = 6000;

interface Given {
  store: CallStore;
  view: View;
  onDevices(): void;
  onConnection(): void;
  onTalked(): void;
}

interface Props extends Given {
  /** How many are shown at once where nobody asked for all of them. */
  most: number;
}

interface NoticeProps {
  text: string;
  testID: string;
  icon: preact.ComponentChildren;
  urgent?: boolean;
  action?: string;
  onAction?: () => void;
  onDismiss?: () => void;
  /** What its cross says, where that is more than that it goes. */
  dismiss?: string;
}

export function Notices({ most, ...props }: Props) {
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const [whole, setWhole] = useState(false);
  const see = (name: string) => setSeen(new Set(seen).add(name));
  const now = useNow(1000);
  const all = [...grave(props), ...ofOthers(props), ...ofMicrophone(props, seen, see), ...ofNetwork(props, now, seen, see), ...ofCheck(props)];
  const shown = whole ? all : all.slice(0, most);
  const more = all.length - most;
  return (
    <>
      {shown.map((notice, i) => (
        <Notice key={notice.testID} {...notice}>
          {more > 0 && i === most - 1 && (
            <button type="button" class="cl-more-notices" data-testid="more-notices" aria-expanded={whole} aria-label={t('notice.more', { count: more })} title={t('notice.more', { count: more })} onClick={() => setWhole(!whole)}>
              +{more}
            </button>
          )}
        </Notice>
      ))}
    </>
  );
}

function grave({ store, view, onDevices }: Given): NoticeProps[] {
  const all: NoticeProps[] = [];
  if (view.soundBlocked) {
    all.push({ text: t('notice.sound'), urgent: true, testID: 'sound-notice', icon: <VolumeIcon />, action: t('call.sound'), onAction: () => store.allowSound() });
  }
  if (view.microphone === 'lost') {
    all.push({ text: t('notice.lost'), urgent: true, testID: 'microphone-notice', icon: <MicOffIcon />, action: t('devices.choose'), onAction: onDevices });
  }
  if (view.status.phase === 'reconnecting') {
    all.push({ text: t('notice.reconnecting'), urgent: true, testID: 'reconnecting-notice', icon: <BarsIcon lit={0} /> });
  }
  if (view.error) {
    all.push({ text: errorSentence(view.error, store.nameOf), urgent: true, testID: 'problem', icon: <ScreenIcon />, onDismiss: () => store.dismiss() });
  }
  return all;
}

/** What is to be said of the network. A bad one that was waved away is said again when it has been good meanwhile. */
function ofNetwork({ view, onConnection, onTalked }: Given, now: number, seen: ReadonlySet<string>, see: (name: string) => void): NoticeProps[] {
  const all: NoticeProps[] = [];
  if (view.status.phase !== 'connected') {
    return all;
  }
  const poor = `poor ${view.grade.poorTimes}`;
  if (view.grade.quality === 'poor' && !seen.has(poor)) {
    all.push({ text: poorSentence(view), urgent: true, testID: 'poor-notice', icon: <BarsIcon lit={1} />, action: t('notice.details'), onAction: onConnection, onDismiss: () => see(poor) });
  }
  if (view.missed && now - view.missed.at < backMs && !seen.has(`back ${view.missed.at}`)) {
    const { ms, at } = view.missed;
    const text = t('notice.back', { seconds: Math.max(1, Math.round(ms / 1000)) });
    all.push({ text, testID: 'back-notice', icon: <BarsIcon lit={4} />, action: t('call.talked'), onAction: onTalked, onDismiss: () => see(`back ${at}`) });
  }
  if (view.facts?.path === 'tcp' && !seen.has('tcp')) {
    all.push({ text: t('notice.tcp'), testID: 'tcp-notice', icon: <BarsIcon lit={2} />, action: t('notice.details'), onAction: onConnection, onDismiss: () => see('tcp') });
  }
  return all;
}

/** Names the worst of what makes it poor. */
export function poorSentence({ facts, roundTrip, weak }: View): string {
  const [out, into] = [facts?.lostToServer ?? 0, weak.size > 0 ? 0 : (facts?.lostToUs ?? 0)];
  if (Math.max(out, into) > 2) {
    return out >= into ? t('notice.poor.out', { percent: decimal(out) }) : t('notice.poor.in', { percent: decimal(into) });
  }
  return t('notice.poor.slow', { ms: Math.round(roundTrip ?? facts?.roundTripMs ?? 0) });
}

function ofOthers({ store, view }: Given): NoticeProps[] {
  const all: NoticeProps[] = [];
  if (view.byHost !== '') {
    const text = t(`live.host.${view.byHost}`);
    const muted = view.byHost === 'mute' && view.microphone === 'open';
    all.push({ text, testID: 'host-notice', icon: <MicOffIcon />, ...(muted ? { action: t('call.unmute'), onAction: () => void store.setUnmuted(true) } : {}), onDismiss: () => store.dismiss() });
  }
  if (view.talksMuted) {
    all.push({ text: t('notice.talks.muted'), urgent: true, testID: 'talks-muted-notice', icon: <MicOffIcon />, action: t('call.unmute'), onAction: () => void store.setUnmuted(true) });
  }
  if (view.sharing) {
    all.push({ text: t('screen.own'), testID: 'sharing-notice', icon: <ScreenIcon />, action: t('call.unshare'), onAction: () => void store.toggleScreen() });
  }
  return all;
}

/** Why there is no microphone. That somebody listens because they chose to is waved away for good by one press. */
function ofMicrophone({ store, view }: Given, seen: ReadonlySet<string>, see: (name: string) => void): NoticeProps[] {
  const { microphone } = view;
  if (microphone === 'open' || microphone === 'lost' || seen.has(microphone)) {
    return [];
  }
  const use = microphone === 'none' ? { action: t('call.microphone'), onAction: () => void store.toggleMicrophone() } : {};
  return [{ text: t(microphoneNotices[microphone]), testID: 'microphone-notice', icon: <HeadphonesIcon />, ...use, onDismiss: () => see(microphone) }];
}

/** Who is in a call for the first time in this browser is offered the check. They are in already: nobody has to answer a question before they can talk. */
function ofCheck({ store, view, onDevices }: Given): NoticeProps[] {
  if (view.settings.checked || view.microphone !== 'open' || view.status.phase !== 'connected') {
    return [];
  }
  const never = () => void store.configure({ checked: true });
  return [{ text: t('check.offer'), testID: 'check-notice', icon: <MicIcon />, action: t('check.offer.go'), onAction: onDevices, onDismiss: never, dismiss: t('check.offer.never') }];
}

function Notice({ text, testID, icon, urgent, action, onAction, onDismiss, dismiss = t('notice.dismiss'), children }: NoticeProps & { children?: preact.ComponentChildren }) {
  return (
    <div class={urgent ? 'cl-notice cl-urgent' : 'cl-notice'} role={urgent ? 'alert' : 'status'} data-testid={testID}>
      {icon}
      <span class="cl-grow">{text}</span>
      {action && <button type="button" data-testid={`${testID}-go`} onClick={onAction}>{action}</button>}
      {onDismiss && <button type="button" class="cl-icon-button" data-testid={`${testID}-away`} aria-label={dismiss} title={dismiss} onClick={onDismiss}><CloseIcon /></button>}
      {children}
    </div>
  );
}
