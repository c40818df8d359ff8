/** What is wrong or worth knowing, one sentence each, with the way on where there is one. */
import { useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from './call_store';
import { errorSentence } from './sentences';
import type { Microphone, View } from './view';

const microphoneNotices = { none: 'notice.listener', blocked: 'notice.blocked', insecure: 'notice.insecure', lost: 'notice.lost' } as const;

interface Props {
  store: CallStore;
  view: View;
  onDevices(): void;
  /** The one worst thing only, where there is room for one. */
  one?: boolean;
}

export function Notices({ store, view, onDevices, one = false }: Props) {
  const [seen, setSeen] = useState<Microphone | null>(null);
  const all: NoticeProps[] = [];
  if (view.soundBlocked) {
    all.push({ text: t('notice.sound'), urgent: true, testID: 'sound-notice', action: t('call.sound'), onAction: () => store.allowSound() });
  }
  if (view.microphone === 'lost') {
    all.push({ text: t('notice.lost'), urgent: true, testID: 'microphone-notice', action: t('devices.choose'), onAction: onDevices });
  }
  if (view.status.phase === 'reconnecting') {
    all.push({ text: t('notice.reconnecting'), urgent: true, testID: 'reconnecting-notice' });
  }
  if (view.error) {
    all.push({ text: errorSentence(view.error, store.nameOf), urgent: true, testID: 'problem', action: t('notice.dismiss'), onAction: () => store.dismiss() });
  }
  if (view.byHost !== '') {
    all.push({ text: t(`live.host.${view.byHost}`), testID: 'host-notice', action: t('notice.dismiss'), onAction: () => store.dismiss() });
  }
  if (view.talksMuted) {
    all.push({ text: t('notice.talks.muted'), urgent: true, testID: 'talks-muted-notice', action: t('call.unmute'), onAction: () => void store.setUnmuted(true) });
  }
  if (view.sharing) {
    all.push({ text: t('screen.own'), testID: 'sharing-notice', action: t('call.unshare'), onAction: () => void store.toggleScreen() });
  }
  if (view.microphone !== 'open' && view.microphone !== 'lost' && view.microphone !== seen) {
    const microphone = view.microphone;
    all.push({ text: t(microphoneNotices[microphone]), testID: 'microphone-notice', action: t('notice.dismiss'), onAction: () => setSeen(microphone) });
  }
  return (
    <>
      {(one ? all.slice(0, 1) : all).map((notice) => <Notice key={notice.testID} {...notice} />)}
    </>
  );
}

interface NoticeProps {
  text: string;
  testID: string;
  urgent?: boolean;
  action?: string;
  onAction?: () => void;
}

function Notice({ text, testID, urgent, action, onAction }: NoticeProps) {
  return (
    <div class={urgent ? 'cl-notice cl-urgent' : 'cl-notice'} role={urgent ? 'alert' : 'status'} data-testid={testID}>
      <span>{text}</span>
      {action && <button type="button" onClick={onAction}>{action}</button>}
    </div>
  );
}
