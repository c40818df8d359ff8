/** Everything of a call that lies over the host's page. */
import { useEffect } from 'preact/hooks';

import { ringMs } from '../host/state';
import { t } from '../i18n';
import { CallView } from '../page/call';
import type { CallStore } from '../page/call_store';
import { endSentence } from '../page/sentences';
import { Voices } from '../page/voices';
import { Avatar } from '../ui/avatar';
import { Dialog } from '../ui/dialog';
import { CloseIcon } from '../ui/icons';
import { LiveRegion } from '../ui/live';
import { useNow, useView } from '../ui/use_store';
import { playSound } from '../page/sounds';
import type { InCall, Question, Ring, UIState } from './ui';
import { Widget } from './widget';

export function Surface({ ui, state }: { ui: InCall; state: UIState }) {
  return (
    <>
      {state.store && <OwnCall key={state.channelID} ui={ui} store={state.store} channelID={state.channelID} expanded={state.expanded} />}
      {state.question && <Ask ui={ui} question={state.question} />}
      {state.rings.length > 0 && (
        <section class="cl-rings" aria-label={t('ring.label')}>
          {state.rings.map((ring) => <Ringing key={ring.channelID} ui={ui} ring={ring} />)}
        </section>
      )}
    </>
  );
}

function OwnCall({ ui, store, channelID, expanded }: { ui: InCall; store: CallStore; channelID: string; expanded: boolean }) {
  const view = useView(store);
  if (view.status.phase === 'ended') {
    return (
      <section class="cl-gone" role="alert" data-testid="ended" data-reason={view.status.reason}>
        <p>{endSentence(view.status, store.nameOf)}</p>
        <div class="cl-buttons">
          <button type="button" class="cl-outline" onClick={() => ui.close()}>{t('notice.dismiss')}</button>
          <button type="button" class="cl-primary" data-testid="join-again" onClick={() => ui.bridge.answer(channelID)}>{t('ended.again')}</button>
        </div>
      </section>
    );
  }
  return (
    <>
      <LiveRegion view={view} />
      <Voices view={view} onBlocked={store.soundBlocked} />
      {expanded ? (
        <div class="cl-over">
          <CallView store={store} view={view} silent onCollapse={() => ui.setExpanded(false)} />
        </div>
      ) : (
        <Widget ui={ui} store={store} view={view} channelID={channelID} />
      )}
    </>
  );
}

function Ask({ ui, question }: { ui: InCall; question: Question }) {
  const no = () => ui.answerQuestion(false);
  const yes = () => ui.answerQuestion(true);
  if (question.kind === 'switch') {
    return (
      <Dialog id="calls-switch-call-modal" title={t('switch.title')} onClose={no}>
        <p>{t('switch.text', { from: question.from ?? '', to: question.to })}</p>
        <div class="cl-buttons">
          <button type="button" class="cl-outline" onClick={no}>{t('switch.stay')}</button>
          <button type="button" class="cl-primary" data-safe data-testid="switch-go" onClick={yes}>{t('switch.go')}</button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog id="calls-end-call-modal" title={t('end.title')} onClose={no}>
      <p>{t('end.text', { channel: question.to })}</p>
      <div class="cl-buttons">
        <button type="button" class="cl-outline" data-safe onClick={no}>{t('leave.stay')}</button>
        <button type="button" class="cl-quiet cl-danger" data-testid="end-for-all" onClick={yes}>{t('end.go')}</button>
      </div>
    </Dialog>
  );
}

const ringEveryMs = 3000;

/** It takes no focus: somebody who types must not answer by Enter. */
function Ringing({ ui, ring }: { ui: InCall; ring: Ring }) {
  const left = Math.max(0, ringMs - (useNow(1000) - ring.at));
  useEffect(() => {
    if (ring.missed) {
      return;
    }
    playSound('ring');
    const timer = setInterval(() => playSound('ring'), ringEveryMs);
    return () => clearInterval(timer);
  }, [ring.missed]);
  useEffect(() => {
    if (left === 0 && !ring.missed) {
      ui.missed(ring.channelID);
    }
  }, [ui, left, ring.missed, ring.channelID]);
  if (ring.missed) {
    return (
      <div class="cl-ringing" data-testid="missed-call">
        <Avatar id={ring.callerID} name={ring.caller} />
        <p>{t('ring.missed', { name: ring.caller })}</p>
        <button type="button" class="cl-icon-button" aria-label={t('notice.dismiss')} onClick={() => ui.stopRinging(ring.channelID)}><CloseIcon /></button>
      </div>
    );
  }
  return (
    <div class="cl-ringing" role="alert" data-testid="ringing" id="calls-ringing">
      <Avatar id={ring.callerID} name={ring.caller} />
      <p>
        <strong>{t('ring.text', { name: ring.caller })}</strong>
        {ring.inCall && <span class="cl-note cl-block">{t('ring.leaves')}</span>}
      </p>
      <div class="cl-buttons">
        <button type="button" class="cl-outline" data-testid="ring-decline" onClick={() => { ui.stopRinging(ring.channelID); ui.bridge.decline(ring.callID, ring.channelID); }}>{t('ring.decline')}</button>
        <button type="button" class="cl-primary" data-testid="ring-answer" onClick={() => { ui.stopRinging(ring.channelID); ui.bridge.answer(ring.channelID); }}>{t('ring.answer')}</button>
      </div>
      <progress class="cl-run" max={ringMs} value={left} aria-hidden="true" />
    </div>
  );
}
