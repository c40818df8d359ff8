/** The call itself: top bar, stage, control bar, and what lies beside them. The page, the pop-out and the view inside the host all show this. */
import { useRef, useState } from 'preact/hooks';

import type { Participant } from '../engine/state';
import { t } from '../i18n';
import { DevicePanel } from '../ui/devices';
import { CollapseIcon, GridIcon, SpeakerViewIcon } from '../ui/icons';
import { Line } from '../ui/line';
import { ConnectionPanel, KeysPanel, TalkedPanel } from '../ui/panels';
import { PeoplePanel } from '../ui/people_panel';
import { needsShareDialog, ShareDialog } from '../ui/share';
import { ThreadPanel } from '../ui/thread';
import { useOrder } from '../ui/use_order';
import { useRegions } from '../ui/use_regions';
import { useNow } from '../ui/use_store';
import type { CallStore } from './call_store';
import { Controls } from './controls';
import { LeaveDialog, mayEnd } from './leaving';
import { Notices } from './notices';
import { Grid, HandStrip, People, Speaker } from './people';
import { SharedScreen } from './screen';
import { clock } from './sentences';
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
  /** Shares or stops sharing, where that is not to happen in the window that owns the store. */
  onShare?: () => void;
}

export function CallView({ store, view, onCollapse, silent = false, onShare = () => void store.toggleScreen() }: Props) {
  const [layout, setLayout] = useState<'speaker' | 'grid'>('grid');
  const [panel, setPanel] = useState<PanelName>('');
  const [dialog, setDialog] = useState<'' | 'leave' | 'share'>('');
  const toggle = (name: PanelName) => setPanel((now) => (now === name ? '' : name));
  const leave = () => (mayEnd(view) ? setDialog('leave') : store.leave());
  const share = () => (!view.sharing && needsShareDialog() ? setDialog('share') : onShare());
  const swap = () => setLayout((now) => (now === 'grid' ? 'speaker' : 'grid'));
  useKeys(store, { layout: swap, react: () => toggle('react'), people: () => toggle('people'), screen: share, leave });
  const people = useOrder(store, view);
  const box = useRef<HTMLDivElement>(null);
  useRegions(box);
  const side = panel !== '' && panel !== 'react';
  return (
    <div ref={box} class={`cl-stage${side ? ' cl-with-side' : ''}`} data-testid="calls-expanded-view" id="calls-expanded-view">
      <TopBar view={view} layout={layout} onLayout={setLayout} onConnection={() => toggle('connection')} {...(onCollapse ? { onCollapse } : {})} />
      <div class="cl-notices" data-region="notices">
        <Notices most={2} store={store} view={view} onDevices={() => setPanel('devices')} onConnection={() => setPanel('connection')} onTalked={() => setPanel('talked')} />
        <HandStrip store={store} view={view} people={people} />
      </div>
      <Body store={store} view={view} people={people} layout={layout} />
      <Controls store={store} view={view} panel={panel} onPanel={toggle} onShare={share} onLeave={leave} popout={silent} />
      {side && <Side name={panel} store={store} view={view} onClose={() => setPanel('')} />}
      {dialog === 'leave' && <LeaveDialog store={store} view={view} onClose={() => setDialog('')} />}
      {dialog === 'share' && <ShareDialog store={store} view={view} onClose={() => setDialog('')} />}
      {!silent && <Voices view={view} onBlocked={store.soundBlocked} />}
    </div>
  );
}

function Body({ store, view, people, layout }: { store: CallStore; view: View; people: readonly Participant[]; layout: 'speaker' | 'grid' }) {
  const sharer = view.call.participants.get(view.call.screenSessionID);
  const common = { people, view, nameOf: store.nameOf };
  if (sharer && !view.sharing) {
    return (
      <main data-region="stage" class="cl-body cl-with-screen">
        <SharedScreen stream={view.screens.at(-1)?.stream ?? null} name={store.nameOf(sharer.userID)} keys={view.settings.singleKeys} />
        <People {...common} />
      </main>
    );
  }
  if (layout === 'speaker' && people.length > 1) {
    return (
      <main data-region="stage" class="cl-body cl-with-screen">
        <Speaker {...common} />
        <People {...common} />
      </main>
    );
  }
  return (
    <main data-region="stage" class="cl-body">
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
  return <aside class="cl-side calls-root" data-region="panel">{Content && <Content {...props} />}</aside>;
}
