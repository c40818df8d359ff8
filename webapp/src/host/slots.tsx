/** What the host shows of calls in places of its own: header button, toast, sidebar mark, call post. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { CallState } from '../engine/state';
import { listNames, t, timeOfDay } from '../i18n';
import { clock } from '../page/sentences';
import { Avatars } from '../ui/avatar';
import { CloseIcon, HangUpIcon, LinkIcon, MoveIcon, PeopleIcon, PhoneIcon, PhoneOffIcon, ScreenIcon } from '../ui/icons';
import { useNow } from '../ui/use_store';
import type { HostCalls } from './calls';
import type { HostChannel, HostComponent, HostPost, HostReact } from './contract';
import { island } from './island';
import { type CallsState, elsewhere, isEnabled, isFull } from './state';

type Component<Props> = (props: Props & { calls: HostCalls }) => preact.ComponentChildren;

/** A component of ours as one of the host's. */
export function slot<Props extends object>(React: HostReact, calls: HostCalls, Content: Component<Props>): HostComponent {
  return island<Props>(React, (element, first) => {
    const draw = (props: Props) => render(<Content {...props} calls={calls} />, element);
    draw(first);
    return { update: draw, unmount: () => render(null, element) };
  });
}

/** Whatever of the host's and our own state a component reads, drawn again when it changed. */
function useCalls<T extends string | number | boolean | object | null | undefined>(calls: HostCalls, read: (state: CallsState) => T): T {
  const [value, setValue] = useState(() => read(calls.state));
  useEffect(() => {
    const look = () => setValue(() => read(calls.state));
    look();
    return calls.subscribe(look);
  });
  return value;
}

export function HeaderButton({ calls }: { calls: HostCalls }) {
  const id = useCalls(calls, () => calls.currentChannelID);
  const state = useCalls(calls, (s) => s);
  const call = state.calls[id];
  const archived = (calls.channel(id)?.delete_at ?? 0) > 0;
  const count = call?.participants.size ?? 0;
  if (archived) {
    return null;
  }
  if (state.mine?.channelID === id) {
    return <Header kind="in">{state.mine.phase === 'connecting' ? t('header.connecting') : <InCall call={call} />}</Header>;
  }
  if (!isEnabled(state, id)) {
    return <Header kind="off" note={t('refused.calls_disabled')}><PhoneOffIcon />{t('header.off')}</Header>;
  }
  if (elsewhere(state, id)) {
    return <Header kind="move" note={t('move.note')}><MoveIcon />{t('move.short')}</Header>;
  }
  if (call && isFull(state, id)) {
    return <Header kind="off" note={t('refused.call_full')}><PeopleIcon />{t('header.full', { count, most: state.config?.maxParticipants ?? 0 })}</Header>;
  }
  return call ? <Header kind="join"><PhoneIcon />{t('header.join')}<span class="cl-num">· {count}</span></Header> : <Header kind="start"><PhoneIcon />{t('header.start')}</Header>;
}

/** The host listens to the click around it. It is never disabled: it says why not, and the click says it again. */
function Header({ kind, note, children }: { kind: 'start' | 'join' | 'in' | 'off' | 'move'; note?: string; children: preact.ComponentChildren }) {
  return (
    <button type="button" id="calls-join-button" data-testid="calls-join-button" data-kind={kind} class={`cl-header-button cl-${kind}`} {...(note ? { title: note } : {})}>
      {children}
    </button>
  );
}

function InCall({ call }: { call: CallState | undefined }) {
  const now = useNow(1000);
  return <><span class="cl-dot" aria-hidden="true" />{t('header.in')}<span class="cl-num">{call ? clock(now - call.startAt) : ''}</span></>;
}

/** The same, as the one line of the menu that the host makes of several call buttons. */
export function MenuLine({ calls }: { calls: HostCalls }) {
  const id = useCalls(calls, () => calls.currentChannelID);
  const running = useCalls(calls, (s) => s.calls[id] !== undefined);
  return <span class="cl-menu-line"><PhoneIcon />{t(running ? 'header.join' : 'header.start')}</span>;
}

export function Toast({ calls }: { calls: HostCalls }) {
  const id = useCalls(calls, () => calls.currentChannelID);
  const state = useCalls(calls, (s) => s);
  const now = useNow(30_000);
  const call = state.calls[id];
  if (!call || state.mine?.channelID === id || state.dismissed[call.callID] || call.participants.size === 0) {
    return null;
  }
  const people = fewOf(call, calls);
  const there = elsewhere(state, id);
  const move = there !== undefined;
  const minutes = Math.max(0, Math.floor((now - call.startAt) / 60_000));
  return (
    <section id="calls-channel-toast" data-testid="calls-channel-toast" class="cl-toast" aria-label={t('toast.label')}>
      <PhoneIcon />
      <span class="cl-text">{move ? t(there.sharing ? 'move.note.sharing' : 'move.note') : t('toast.text', { names: namesOf(people), minutes })}</span>
      <Avatars {...people} />
      <button type="button" class="cl-quiet" onClick={() => void calls.open(id)}>{t(move ? 'move.go' : 'header.join')}</button>
      <button type="button" class="cl-icon-button" aria-label={t('notice.dismiss')} title={t('notice.dismiss')} onClick={() => calls.dismiss(call.callID, id)}>
        <CloseIcon />
      </button>
    </section>
  );
}

export function SidebarMark({ calls, channel }: { calls: HostCalls; channel?: HostChannel }) {
  const id = channel?.id ?? '';
  const call = useCalls(calls, (s) => s.calls[id]);
  const joined = useCalls(calls, (s) => s.mine?.channelID === id);
  if (!call) {
    return null;
  }
  const names = namesOf(fewOf(call, calls));
  return (
    <span class={`cl-sidebar${joined ? ' cl-joined' : ''}`} title={names} data-testid="calls-sidebar-active-call-icon">
      <span class="cl-sr">{t('sidebar.text', { count: call.participants.size })}</span>
      <PhoneIcon />
      <span aria-hidden="true">{call.participants.size}</span>
    </span>
  );
}

export function CallPost({ calls, post }: { calls: HostCalls; post?: HostPost }) {
  const state = useCalls(calls, (s) => s);
  const now = useNow(30_000);
  if (!post) {
    return null;
  }
  const props = post.props ?? {};
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const [startAt, endAt] = [number(props.start_at), number(props.end_at)];
  const call = state.calls[post.channel_id];
  // A post whose call is not the one that is on now is over, even when the server could not say so any more.
  const running = endAt === 0 && call !== undefined && Math.abs(call.startAt - startAt) < 1000;
  const title = typeof props.title === 'string' && props.title !== '' ? props.title : t(running ? 'post.running' : 'post.ended');
  const minutes = Math.floor(((running ? now : endAt || startAt) - startAt) / 60_000);
  return (
    <div class="cl-post-card" data-testid="call-post" data-running={running}>
      <span class={`cl-post-icon${running ? ' cl-live' : ''}`}>{running ? <PhoneIcon /> : <HangUpIcon />}</span>
      <div class="cl-post-text">
        <strong>{title}</strong> {running && <span class="cl-tag cl-live">{t('post.live')}</span>}
        <p class="cl-note">{running ? t('post.since', { name: calls.nameOf(post.user_id), time: timeOfDay(startAt), minutes }) : t('post.lasted', { minutes, from: timeOfDay(startAt), to: timeOfDay(endAt || startAt) })}</p>
        <PostPeople calls={calls} call={running ? call : undefined} ids={props.participants} />
      </div>
      <PostButtons calls={calls} channelID={post.channel_id} running={running} />
    </div>
  );
}

function PostPeople({ calls, call, ids }: { calls: HostCalls; call: CallState | undefined; ids: unknown }) {
  const took = Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string') : [];
  const shown = call ? fewOf(call, calls) : few(took, calls);
  const sharer = call?.participants.get(call.screenSessionID);
  if (shown.total === 0) {
    return null;
  }
  return (
    <p class="cl-post-people">
      <Avatars {...shown} />
      <span class="cl-note">{call ? namesOf(shown) : t('post.took', { count: shown.total })}</span>
      {sharer && <span class="cl-note"><ScreenIcon />{t('screen.of', { name: calls.nameOf(sharer.userID) })}</span>}
    </p>
  );
}

function PostButtons({ calls, channelID, running }: { calls: HostCalls; channelID: string; running: boolean }) {
  const joined = useCalls(calls, (s) => s.mine?.channelID === channelID);
  const move = useCalls(calls, (s) => elsewhere(s, channelID) !== undefined);
  if ((calls.channel(channelID)?.delete_at ?? 0) > 0) {
    return null;
  }
  if (running && joined) {
    return (
      <div class="cl-post-buttons">
        <button type="button" class="cl-quiet" onClick={() => void calls.open(channelID)}>{t('post.open')}</button>
        <button type="button" class="cl-quiet cl-danger" onClick={() => calls.leave()}>{t('call.leave')}</button>
      </div>
    );
  }
  return (
    <div class="cl-post-buttons">
      <button type="button" class={running ? 'cl-quiet' : 'cl-outline'} data-testid="post-join" onClick={() => void calls.open(channelID)}>
        <PhoneIcon />
        {t(!running ? 'ended.start' : move ? 'move.go' : 'header.join')}
      </button>
      {running && <CopyLink calls={calls} channelID={channelID} />}
    </div>
  );
}

function CopyLink({ calls, channelID }: { calls: HostCalls; channelID: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(calls.linkTo(channelID));
    setCopied(true);
  };
  return (
    <button type="button" class="cl-link" onClick={() => void copy().catch(() => undefined)}>
      <LinkIcon />
      {t(copied ? 'facts.copied' : 'post.link')}
    </button>
  );
}

/** So many are named or drawn; nobody need know the names of a call's other hundreds. */
const mostNamed = 5;

interface Few {
  readonly people: readonly { id: string; name: string }[];
  readonly total: number;
}

/** One entry a person, in the order in which they came: the first few, and how many there are. */
function few(ids: Iterable<string>, calls: HostCalls): Few {
  const all = [...new Set(ids)];
  return { people: all.slice(0, mostNamed).map((id) => ({ id, name: calls.nameOf(id) })), total: all.length };
}

function fewOf(call: CallState, calls: HostCalls): Few {
  return few([...call.participants.values()].map((p) => p.userID), calls);
}

function namesOf({ people, total }: Few): string {
  return listNames(people.map((p) => p.name), 3, total);
}
