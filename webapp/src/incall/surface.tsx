/** Everything of a call that lies over the host's page. */
import { t } from '../i18n';
import { CallView } from '../page/call';
import type { CallStore } from '../page/call_store';
import { endSentence } from '../page/sentences';
import { Voices } from '../page/voices';
import { Dialog } from '../ui/dialog';
import { LiveRegion } from '../ui/live';
import { useView } from '../ui/use_store';
import { CheckDialog } from './check';
import { Rings } from './ringing';
import type { InCall, Question, UIState } from './ui';
import { Widget } from './widget';

export function Surface({ ui, state }: { ui: InCall; state: UIState }) {
  return (
    <>
      {state.store && <OwnCall key={state.channelID} ui={ui} store={state.store} channelID={state.channelID} expanded={state.expanded} />}
      {state.question && <Ask ui={ui} question={state.question} />}
      {state.check && <CheckDialog ui={ui} check={state.check} />}
      {state.rings.length > 0 && <Rings ui={ui} rings={state.rings} />}
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
          <CallView store={store} view={view} silent onCollapse={() => ui.collapse()} />
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
  if (question.kind === 'move') {
    return (
      <Dialog id="calls-move-call-modal" title={t('move.title')} onClose={no}>
        <p>{t('move.sharing')}</p>
        <div class="cl-buttons">
          <button type="button" class="cl-outline" data-safe onClick={no}>{t('share.cancel')}</button>
          <button type="button" class="cl-primary" data-testid="move-go" onClick={yes}>{t('move.go')}</button>
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
