/** The call itself: top bar, stage, control bar, and what lies beside them. The page, the pop-out and the view inside the host all show this. */
import { useEffect, useState } from 'preact/hooks';

import type { Status } from '../engine/status';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { DevicePanel } from '../ui/devices';
import { CollapseIcon, GridIcon, SpeakerViewIcon } from '../ui/icons';
import { Line } from '../ui/line';
import { ConnectionPanel, KeysPanel, PeoplePanel, TalkedPanel } from '../ui/panels';
import { ThreadPanel } from '../ui/thread';
import { useNow } from '../ui/use_store';
import type { CallStore } from './call_store';
import { Controls } from './controls';
import { Notices } from './notices';
import { Grid, HandStrip, People, Speaker } from './people';
import { SharedScreen } from './screen';
import { clock, endSentence, inOrder } from './sentences';
import { useKeys } from './use_keys';
import type { View } from './view';
import { Voices } from './voices';

export type PanelName = '' | 'people' | 'devices' | 'connection' | 'talked' | 'keys' | 'thread' | 'react';

interface Props {
  store: CallStore;
  view: View;
  /** Leads back to where the call is shown small; without it there is no such place. */
  onCollapse?: () => void;
  /** Somebody else plays the voices already. */
  silent?: boolean;
}

export function CallView({ store, view, onCollapse, silent = false }: Props) {
  const [layout, setLayout] = useState<'speaker' | 'grid'>('grid');
  const [panel, setPanel] = useState<PanelName>('');
  const [leaving, setLeaving] = useState(false);
  const toggle = (name: PanelName) => setPanel((now) => (now === name ? '' : name));
  const leave = () => (mayEnd(view) ? setLeaving(true) : store.leave());
  const swap = () => setLayout((now) => (now === 'grid' ? 'speaker' : 'grid'));
  useKeys(store, { layout: swap, react: () => toggle('react'), people: () => toggle('people'), leave });
  const side = panel !== '' && panel !== 'react';
  return (
    <div class={`cl-stage${side ? ' cl-with-side' : ''}`} data-testid="calls-expanded-view" id="calls-expanded-view">
      <TopBar view={view} layout={layout} onLayout={setLayout} onConnection={() => toggle('connection')} {...(onCollapse ? { onCollapse } : {})} />
      <div class="cl-notices">
        <Notices store={store} view={view} onDevices={() => setPanel('devices')} />
        <HandStrip store={store} view={view} />
      </div>
      <Body store={store} view={view} layout={layout} />
      <Controls store={store} view={view} panel={panel} onPanel={toggle} onLeave={leave} popout={silent} />
      {side && <Side name={panel} store={store} view={view} onClose={() => setPanel('')} />}
      {leaving && <LeaveDialog store={store} view={view} onClose={() => setLeaving(false)} />}
      {!silent && <Voices view={view} onBlocked={store.soundBlocked} />}
    </div>
  );
}

/** Who may end the call for all is asked whether that is meant, when others would stay. */
export function mayEnd(view: View): boolean {
  const self = view.call.participants.get(view.selfID);
  return self !== undefined && self.userID === view.call.hostID && view.call.participants.size > 1;
}

function Body({ store, view, layout }: { store: CallStore; view: View; layout: 'speaker' | 'grid' }) {
  const people = inOrder(view.call, store.nameOf);
  const sharer = view.call.participants.get(view.call.screenSessionID);
  const common = { people, view, nameOf: store.nameOf };
  if (sharer && !view.sharing) {
    return (
      <main class="cl-body cl-with-screen">
        <SharedScreen stream={view.screens.at(-1)?.stream ?? null} name={store.nameOf(sharer.userID)} keys={view.settings.singleKeys} />
        <People {...common} />
      </main>
    );
  }
  if (layout === 'speaker' && people.length > 1) {
    return (
      <main class="cl-body cl-with-screen">
        <Speaker {...common} />
        <People {...common} />
      </main>
    );
  }
  return (
    <main class="cl-body">
      <Grid {...common} />
    </main>
  );
}

interface TopProps {
  view: View;
  layout: 'speaker' | 'grid';
  onLayout(layout: 'speaker' | 'grid'): void;
  onConnection(): void;
  onCollapse?: () => void;
}

function TopBar({ view, layout, onLayout, onConnection, onCollapse }: TopProps) {
  return (
    <header class="cl-top">
      {onCollapse && (
        <button type="button" class="cl-icon-button" aria-label={t('call.collapse')} title={t('call.collapse')} onClick={onCollapse} data-testid="calls-collapse-button">
          <CollapseIcon />
        </button>
      )}
      <h1 class="cl-title"><bdi>{view.title || t('page.title')}</bdi></h1>
      {view.call.startAt > 0 && <Duration startAt={view.call.startAt} />}
      <span class="cl-grow" />
      <Line view={view} onOpen={onConnection} />
      <fieldset class="cl-layouts">
        <legend class="cl-sr">{t('layout.label')}</legend>
        <button type="button" aria-pressed={layout === 'speaker'} data-testid="layout-speaker" title={t('layout.speaker')} aria-label={t('layout.speaker')} onClick={() => onLayout('speaker')}>
          <SpeakerViewIcon />
        </button>
        <button type="button" aria-pressed={layout === 'grid'} data-testid="layout-grid" title={t('layout.grid')} aria-label={t('layout.grid')} onClick={() => onLayout('grid')}>
          <GridIcon />
        </button>
      </fieldset>
    </header>
  );
}

export function Duration({ startAt }: { startAt: number }) {
  const time = clock(useNow(1000) - startAt);
  return (
    <span class="cl-pill" role="timer" aria-label={t('call.duration', { time })}>
      <span class="cl-dot" aria-hidden="true" />
      {time}
    </span>
  );
}

function Side({ name, ...props }: { name: PanelName; store: CallStore; view: View; onClose(): void }) {
  const panels = { people: PeoplePanel, devices: DevicePanel, connection: ConnectionPanel, talked: TalkedPanel, keys: KeysPanel, thread: ThreadPanel };
  const Content = name === '' || name === 'react' ? null : panels[name];
  return <aside class="cl-side">{Content && <Content {...props} />}</aside>;
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
