/** The floating widget: who talks, the six buttons, how the line is; and the panel that opens above it. */
import { useState } from 'preact/hooks';

import { t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { LeaveDialog, mayEnd } from '../page/leaving';
import { Notices } from '../page/notices';
import { clock } from '../page/sentences';
import { useKeys } from '../page/use_keys';
import type { View } from '../page/view';
import { Avatar } from '../ui/avatar';
import { ExpandIcon } from '../ui/icons';
import { Line } from '../ui/line';
import { ReactionLine } from '../ui/reactions';
import { needsShareDialog, ShareDialog } from '../ui/share';
import { useNow } from '../ui/use_store';
import { useDock, useDocked } from './dock';
import { useDrag } from './drag';
import { JoinNotes } from './join_notes';
import type { InCall } from './ui';
import { Buttons } from './widget_buttons';
import { Above, type Open, shareEntry } from './widget_menu';

interface Props {
  ui: InCall;
  store: CallStore;
  view: View;
  channelID: string;
}

export function Widget({ ui, store, view, channelID }: Props) {
  const [open, setOpen] = useState<Open>('');
  const [dialog, setDialog] = useState<'' | 'leave' | 'share'>('');
  const docked = useDocked();
  const drag = useDrag(docked);
  useDock(drag.box, docked);
  const toggle = (name: Open) => setOpen((now) => (now === name ? '' : name));
  const leave = () => (mayEnd(view) ? setDialog('leave') : store.leave());
  const share = () => (view.call.screenSessionID === '' && needsShareDialog() ? setDialog('share') : void store.toggleScreen());
  // The focus stays on the button that opened a menu; a panel takes its own Escape.
  const onEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && open !== '' && dialog === '') {
      event.stopPropagation();
      setOpen('');
    }
  };
  useKeys(store, { people: () => toggle('people'), react: () => toggle('react'), screen: share, leave }, false);
  return (
    <section ref={drag.box} id="calls-widget" data-testid="calls-widget" class={`cl-widget a11y__region${view.sharing ? ' cl-sharing' : ''}`} data-a11y-sort-order="99" tabIndex={-1} aria-label={t('widget.label', { channel: view.title })} onKeyDown={onEscape}>
      {open !== '' && <Above open={open} onOpen={setOpen} store={store} view={view} more={docked ? [...shareEntry(view, share), { label: t('expanded.channel'), onPress: () => ui.bridge.openChannel(channelID) }] : []} />}
      {open === '' && <JoinNotes store={store} view={view} />}
      <header class="cl-widget-head" {...drag.head}>
        <span class="cl-dot" aria-hidden="true" />
        <Time view={view} />
        <button type="button" class="cl-link cl-text" onClick={() => ui.bridge.openChannel(channelID)}><bdi>{view.title}</bdi></button>
        <button type="button" class="cl-icon-button" id="calls-widget-expand-button" data-testid="calls-widget-expand-button" aria-label={t('widget.expand')} title={t('widget.expand')} onClick={() => ui.expand()}>
          <ExpandIcon />
        </button>
      </header>
      <div class="cl-notices"><Notices most={1} store={store} view={view} onDevices={() => setOpen('devices')} onConnection={() => setOpen('connection')} onTalked={() => setOpen('talked')} /></div>
      <Talker store={store} view={view} />
      <Buttons store={store} view={view} open={open} onOpen={toggle} onLeave={leave} {...(docked ? {} : { onShare: share })} />
      <Line view={view} onOpen={() => toggle('connection')} />
      {dialog === 'leave' && <LeaveDialog store={store} view={view} onClose={() => setDialog('')} />}
      {dialog === 'share' && <ShareDialog store={store} view={view} onClose={() => setDialog('')} />}
    </section>
  );
}

function Time({ view }: { view: View }) {
  const now = useNow(1000);
  return <span class="cl-num" data-testid="duration">{view.call.startAt > 0 ? clock(now - view.call.startAt) : '0:00'}</span>;
}

/** Who talks, else who talked last and when; alone, it says that. */
function Talker({ store, view }: { store: CallStore; view: View }) {
  const now = useNow(1000);
  const talking = [...view.call.participants.values()].find((p) => p.voice);
  const { last } = view.trail;
  const user = talking?.userID ?? last?.userID ?? '';
  const lines = (): [string, string] => {
    if (view.status.phase !== 'connected' && view.status.phase !== 'reconnecting') {
      return [t('header.connecting'), t(`status.${view.status.phase}`)];
    }
    if (view.call.participants.size < 2) {
      return [t('widget.alone'), t('widget.alone.note')];
    }
    if (talking) {
      return [store.nameOf(user), t('person.talking')];
    }
    return last ? [store.nameOf(user), t('widget.talked', { time: clock(now - last.at) })] : [t('widget.quiet'), t('widget.people', { count: view.call.participants.size })];
  };
  const [name, note] = lines();
  return (
    <div class="cl-talker" data-testid="talker">
      <Avatar id={user} name={user === '' ? '·' : name} ring={talking !== undefined} />
      <span class="cl-text"><strong><bdi>{name}</bdi></strong><span class="cl-note cl-block">{note}</span></span>
      <ReactionLine store={store} view={view} />
    </div>
  );
}
