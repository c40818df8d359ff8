/** The way out of a call, and what stands there afterwards. */
import { useEffect } from 'preact/hooks';

import type { Status } from '../engine/status';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import type { CallStore } from './call_store';
import { endSentence } from './sentences';
import type { View } from './view';

/** Who may end the call for all is asked whether that is meant, when others would stay. */
export function mayEnd(view: View): boolean {
  const self = view.call.participants.get(view.selfID);
  return self !== undefined && self.userID === view.call.hostID && view.call.participants.size > 1;
}

export function LeaveDialog({ store, view, onClose }: { store: CallStore; view: View; onClose(): void }) {
  const leave = () => {
    onClose();
    store.leave();
  };
  const end = () => {
    onClose();
    void store.endForAll();
  };
  return (
    <Dialog id="calls-end-call-modal" title={t('leave.title')} onClose={onClose}>
      <p>{t('leave.text')}</p>
      <div class="cl-buttons">
        <button type="button" class="cl-danger cl-quiet" data-testid="end-for-all" onClick={end}>{t('leave.end', { count: view.call.participants.size })}</button>
        <button type="button" class="cl-outline" onClick={onClose}>{t('leave.stay')}</button>
        <button type="button" class="cl-primary" data-safe data-testid="leave-only" onClick={leave}>{t('call.leave')}</button>
      </div>
    </Dialog>
  );
}

interface EndedProps {
  store: CallStore;
  view: View;
  status: Status & { phase: 'ended' };
  onAgain(): void;
}

export function Ended({ store, view, status, onAgain }: EndedProps) {
  const detail = status.error?.detail ?? '';
  const over = status.reason === 'call_ended' || status.reason === 'shutdown';
  useEffect(() => {
    if (status.reason !== 'left') {
      document.querySelector<HTMLElement>('[data-testid="join-again"]')?.focus();
    }
  }, [status.reason]);
  return (
    <main class="cl-card-page">
      <section class="cl-card" aria-labelledby="card-title">
        {/* The page's step changes under the reader: this says it at once. */}
        <div role="alert">
          <h1 id="card-title" data-testid="ended" data-reason={status.reason}>{endSentence(status, store.nameOf)}</h1>
        </div>
        {view.title !== '' && <p class="cl-note"><bdi>{view.title}</bdi></p>}
        {detail !== '' && (
          <details class="cl-note">
            <summary>{t('ended.detail')}</summary>
            {detail}
          </details>
        )}
        <div class="cl-buttons">
          <button type="button" class="cl-primary" data-testid="join-again" onClick={onAgain}>
            {t(over ? 'ended.start' : 'ended.again')}
          </button>
        </div>
      </section>
    </main>
  );
}
