/** The call itself: top bar, stage, control bar; and what stands in their place after the end. */
import { useEffect, useState } from 'preact/hooks';

import type { Status } from '../engine/client';
import { t } from '../i18n';
import { Controls } from './controls';
import { BarsIcon } from './icons';
import { Grid, People } from './people';
import { SharedScreen } from './screen';
import { clock, endSentence, errorSentence, inOrder, type Quality, qualityOf } from './sentences';
import type { Microphone, PageStore, View } from './store';
import { Voices } from './voices';

interface Props {
  store: PageStore;
  view: View;
}

export function CallView({ store, view }: Props) {
  const people = inOrder(view.call, store.nameOf);
  const screen = view.call.screenSessionID !== view.selfID ? view.screens.at(-1) : undefined;
  const sharer = view.call.participants.get(view.call.screenSessionID);
  const showScreen = sharer && !view.sharing;
  return (
    <div class="stage" data-testid="calls-expanded-view" id="calls-expanded-view">
      <TopBar view={view} />
      <Notices store={store} view={view} />
      <main class={showScreen ? 'body with-screen' : 'body'}>
        {showScreen ? (
          <>
            <SharedScreen stream={screen?.stream ?? null} name={store.nameOf(sharer.userID)} />
            <People people={people} view={view} nameOf={store.nameOf} />
          </>
        ) : (
          <Grid people={people} view={view} nameOf={store.nameOf} />
        )}
      </main>
      <Controls store={store} view={view} />
      <Voices voices={view.voices} attempt={view.soundAttempt} onBlocked={store.soundBlocked} />
    </div>
  );
}

function TopBar({ view }: { view: View }) {
  return (
    <header class="top">
      <h1 class="title"><bdi>{view.title || t('page.title')}</bdi></h1>
      {view.call.startAt > 0 && <Duration startAt={view.call.startAt} />}
      <span class="grow" />
      <Line view={view} />
    </header>
  );
}

function Duration({ startAt }: { startAt: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const time = clock(now - startAt);
  return (
    <span class="pill" role="timer" aria-label={t('call.duration', { time })}>
      <span class="dot" aria-hidden="true" />
      {time}
    </span>
  );
}

const bars: Readonly<Record<Quality, number>> = { good: 4, fair: 2, poor: 1 };

/** How the connection is: a word and a number, and bars for those who like pictures. */
function Line({ view }: { view: View }) {
  const { phase } = view.status;
  const quality = phase === 'connected' && view.roundTrip !== null ? qualityOf(view.roundTrip) : null;
  const text = quality ? t('quality.delay', { quality: t(`quality.${quality}`), ms: Math.round(view.roundTrip ?? 0) }) : t(`status.${phase}`);
  return (
    <span class={`pill line ${quality ?? phase}`} data-testid="connection" data-phase={phase}>
      <BarsIcon lit={quality ? bars[quality] : 0} />
      <span class="sr-only">{t('quality.label', { text: '' })}</span>
      <span class="text">{text}</span>
    </span>
  );
}

const microphoneNotices = { none: 'notice.listener', blocked: 'notice.blocked', insecure: 'notice.insecure', lost: 'notice.lost' } as const;

/** What is wrong or worth knowing, one sentence each, with the way on where there is one. */
function Notices({ store, view }: Props) {
  const [seen, setSeen] = useState<Microphone | null>(null);
  const { microphone } = view;
  return (
    <div class="notices">
      {microphone !== 'open' && microphone !== seen && (
        <Notice text={t(microphoneNotices[microphone])} urgent={microphone === 'lost'} testID="microphone-notice" action={t('notice.dismiss')} onAction={() => setSeen(microphone)} />
      )}
      {view.soundBlocked && (
        <Notice text={t('notice.sound')} urgent testID="sound-notice" action={t('call.sound')} onAction={() => store.allowSound()} />
      )}
      {view.sharing && (
        <Notice text={t('screen.own')} testID="sharing-notice" action={t('call.unshare')} onAction={() => void store.toggleScreen()} />
      )}
      {view.error && (
        <Notice text={errorSentence(view.error, store.nameOf)} urgent testID="problem" action={t('notice.dismiss')} onAction={() => store.dismiss()} />
      )}
    </div>
  );
}

interface NoticeProps {
  text: string;
  testID: string;
  urgent?: boolean;
  action: string;
  onAction(): void;
}

function Notice({ text, testID, urgent, action, onAction }: NoticeProps) {
  return (
    <div class={urgent ? 'notice urgent' : 'notice'} role={urgent ? 'alert' : 'status'} data-testid={testID}>
      <span>{text}</span>
      <button type="button" onClick={onAction}>{action}</button>
    </div>
  );
}

export function Ended({ store, view, status }: Props & { status: Status & { phase: 'ended' } }) {
  const detail = status.error?.detail ?? '';
  const over = status.reason === 'call_ended' || status.reason === 'shutdown';
  return (
    <main class="card-page">
      <section class="card" aria-labelledby="card-title">
        <div role="alert">
          <h1 id="card-title" data-testid="ended" data-reason={status.reason}>{endSentence(status, store.nameOf)}</h1>
        </div>
        {view.title !== '' && <p class="quiet"><bdi>{view.title}</bdi></p>}
        {detail !== '' && (
          <details class="quiet small">
            <summary>{t('ended.detail')}</summary>
            {detail}
          </details>
        )}
        <div class="card-buttons">
          <button type="button" class="primary" data-testid="join-again" onClick={() => void store.again()}>
            {t(over ? 'ended.start' : 'ended.again')}
          </button>
        </div>
      </section>
    </main>
  );
}
