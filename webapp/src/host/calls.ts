/** What the bundle does in the host: it keeps the state of all channels, and joins, leaves and ends calls. */
import type { Api, ChannelCall, Problem } from '../engine/api';
import { callStateOf, toCallEvent } from '../engine/events';
import type { ServerFrame } from '../engine/frames';
import { t } from '../i18n';
import type { Question, UI, UIBridge } from '../incall/ui';
import type { TabHooks, Tabs } from '../page/tabs';
import type { HostChannel, HostMessage, HostState, HostStore, HostUser, HostWindow } from './contract';
import { Diary } from './diary';
import { type CallsAction, type CallsState, elsewhere, emptyState, hostAction, isEnabled, isFull, type Mine, ringMs, stateKey } from './state';

/** Events that come in one burst are followed by one question to the server. */
const refetchMs = 500;

export interface Around {
  window: HostWindow;
  store: HostStore;
  api: Api;
  /** Loads the part that only people in a call need. */
  loadUI(bridge: UIBridge): Promise<UI>;
  /** The person's other windows. */
  openTabs(hooks: TabHooks): Tabs;
  setTimeout(fn: () => void, ms: number): unknown;
  /** Shows a sentence that has no better place. */
  alert(text: string): void;
}

export interface JoinOptions {
  title?: string;
  threadID?: string;
  /** Not to be asked for a microphone. */
  listen?: boolean;
}

export class HostCalls {
  private ui: Promise<UI> | null = null;
  private loaded: UI | null = null;
  private readonly surfaces = new Map<HTMLElement, (() => void) | null>();
  private readonly refetching = new Set<string>();
  private readonly askedNames = new Set<string>();
  private readonly wantedNames: string[] = [];
  private readonly diary = new Diary();
  /** The channel whose call is being opened; a second click meanwhile asks nothing new. */
  private opening = '';
  private readonly tabs: Tabs;
  /** The window whose call we are taking over; it is asked to leave as soon as we are in. */
  private taking = '';

  constructor(private readonly around: Around) {
    this.tabs = around.openTabs({ changed: (all) => this.dispatch({ kind: 'elsewhere', elsewhere: all }), leave: () => this.leave() });
  }

  get state(): CallsState {
    return (this.around.store.getState()[stateKey] as CallsState | undefined) ?? emptyState;
  }

  get hostState(): HostState {
    return this.around.store.getState();
  }

  subscribe(listener: () => void): () => void {
    return this.around.store.subscribe(listener);
  }

  dispatch(action: CallsAction): void {
    if (action.kind === 'mine') {
      this.diary.note(action.mine ? action.mine.phase : 'out of the call', { channel: action.mine?.channelID });
    }
    this.around.store.dispatch(hostAction(action));
  }

  get currentChannelID(): string {
    return this.hostState.entities?.channels?.currentChannelId ?? '';
  }

  get myID(): string {
    return this.hostState.entities?.users?.currentUserId ?? '';
  }

  channel(id: string): HostChannel | undefined {
    return this.hostState.entities?.channels?.channels?.[id];
  }

  /** A channel's name as people see it; a direct one is called by the other person. */
  channelName(id: string): string {
    const channel = this.channel(id);
    if (channel?.type === 'D') {
      const other = channel.name.split('__').find((part) => part !== this.myID);
      return this.nameOf(other ?? this.myID);
    }
    return channel?.display_name ?? '';
  }

  /** What people call a user. The host knows most of them; the others are asked for. */
  nameOf(userID: string): string {
    const profile = this.hostState.entities?.users?.profiles?.[userID];
    const known = profile ? nameOfUser(profile) : this.state.names[userID];
    if (known === undefined && userID !== '' && !this.askedNames.has(userID)) {
      this.askedNames.add(userID);
      // All that one drawing of the page does not know is asked for at once.
      if (this.wantedNames.push(userID) === 1) {
        this.around.setTimeout(() => void this.fetchNames(), 0);
      }
    }
    return known ?? t('person.unknown');
  }

  /** Everything that is to be known at the start, and again after the host's own socket was away. */
  async load(): Promise<void> {
    const before = this.state.calls;
    try {
      const [config, channels] = await Promise.all([this.around.api.config(), this.around.api.channels()]);
      this.dispatch({ kind: 'config', config });
      const told = new Set(channels.map((c) => c.channelID));
      // Only what was known when we asked: a call that began meanwhile is in our state by its event, and not yet in the answer.
      const gone = Object.entries(before).filter(([id, call]) => !told.has(id) && this.state.calls[id]?.callID === call.callID);
      this.dispatch({ kind: 'channels', channels: [...channels, ...gone.map(([channelID]): ChannelCall => ({ channelID, enabled: null, call: null }))] });
      for (const { call } of channels) {
        if (call?.dismissed) {
          this.dispatch({ kind: 'dismissed', callID: call.callID });
        }
      }
      this.ringLate();
    } catch {
      // The host goes on without calls; the next reconnect asks again.
    }
  }

  /** A channel's call and choice. */
  async loadChannel(channelID: string): Promise<void> {
    try {
      this.dispatch({ kind: 'channels', channels: [await this.around.api.call(channelID)] });
    } catch {
      // As above.
    }
  }

  onMessage(name: string, message: HostMessage): void {
    const frame: ServerFrame = { name, own: true, seq: message.seq ?? 0, channelID: message.broadcast?.channel_id ?? '', data: message.data ?? {} };
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const channelID = text(frame.data.channelID) || text(frame.data.channel_id) || frame.channelID;
    const { call_id: call, v, session_id: session, reason } = frame.data;
    this.diary.note(name, { channel: channelID, call, v, session, reason });
    if (name === 'user_dismissed_notification') {
      this.onDismissed(text(frame.data.callID));
    } else if (channelID === '') {
      return;
    } else if (name === 'channel_enable_voice' || name === 'channel_disable_voice') {
      this.dispatch({ kind: 'enabled', channelID, enabled: name === 'channel_enable_voice' });
    } else if (name === 'call_state') {
      const call = callStateOf(frame);
      if (call) {
        this.dispatch({ kind: 'channels', channels: [{ channelID, enabled: this.state.enabled[channelID] ?? null, call }] });
      }
    } else {
      this.onEvent(channelID, frame);
    }
  }

  /** The button, the toast, the post and the link all come here. */
  async open(channelID: string, options: JoinOptions = {}): Promise<void> {
    const { mine } = this.state;
    if (mine?.channelID === channelID) {
      this.loaded?.expand();
      return;
    }
    const obstacle = this.obstacle(channelID);
    if (obstacle) {
      this.around.alert(obstacle);
      return;
    }
    if (mine) {
      this.ask({ kind: 'switch', channelID, from: this.channelName(mine.channelID), to: this.channelName(channelID), go: () => void this.join(channelID, options) });
      return;
    }
    await this.join(channelID, options);
  }

  /** Why a call cannot be joined; empty when it can. */
  obstacle(channelID: string): string {
    if ((this.channel(channelID)?.delete_at ?? 0) > 0) {
      return t('refused.archived');
    }
    if (!isEnabled(this.state, channelID)) {
      return t('refused.calls_disabled');
    }
    // Who moves a call is in it already.
    return isFull(this.state, channelID) && !elsewhere(this.state, channelID) ? t('refused.call_full') : '';
  }

  async join(channelID: string, options: JoinOptions = {}): Promise<void> {
    if (this.opening === channelID) {
      return;
    }
    this.opening = channelID;
    const other = elsewhere(this.state, channelID);
    this.taking = other?.tab ?? '';
    if (other && isFull(this.state, channelID)) {
      this.tabs.takeFrom(other.tab); // there is no room for both of us
    }
    this.dispatch({ kind: 'mine', mine: { channelID, phase: 'connecting' } });
    try {
      const ui = await this.needUI();
      const type = this.channel(channelID)?.type ?? '';
      const me = this.hostState.entities?.users?.profiles?.[this.myID];
      ui.start({
        channelID, channelType: type, title: this.channelName(channelID), callTitle: options.title ?? '', threadID: options.threadID ?? '',
        me: me ? { id: me.id, username: me.username, name: nameOfUser(me) } : null,
        ...(other ? { unmuted: other.unmuted } : {}), ...(options.listen ? { listen: true } : {}),
      });
    } catch {
      this.dispatch({ kind: 'mine', mine: null });
      this.around.alert(t('error.load'));
    } finally {
      this.opening = '';
    }
  }

  leave(): void {
    this.loaded?.leave();
  }

  /** The person's own way in changed. */
  private onMine(mine: Mine | null): void {
    this.dispatch({ kind: 'mine', mine });
    this.tabs.tell(mine && { channelID: mine.channelID, unmuted: mine.unmuted ?? false });
    if (mine?.phase === 'connected' && this.taking !== '') {
      this.tabs.takeFrom(this.taking);
      this.taking = '';
    }
  }

  /** The check of microphone and speaker, from which one can go into the call. */
  check(channelID: string): void {
    const running = this.state.calls[channelID] !== undefined;
    const go = (listen: boolean) => void this.open(channelID, { listen });
    this.needUI().then((ui) => ui.check({ channel: this.channelName(channelID), running, inCall: this.state.mine !== null, go }), () => this.around.alert(t('error.load')));
  }

  /** The address of the large view was opened: its element is filled with the call of this window, or of the one that opened it. */
  attachExpanded(element: HTMLElement, channelID: string): () => void {
    let undo: (() => void) | null = null;
    let over = false;
    this.needUI().then(
      (ui) => {
        undo = over ? null : ui.mountExpanded(element, channelID);
      },
      () => this.around.alert(t('error.load')),
    );
    return () => {
      over = true;
      undo?.();
    };
  }

  close(): void {
    this.leave();
    this.tabs.close();
  }

  /** Asks whether the call is to end for everybody. */
  askEnd(channelID: string): void {
    this.ask({ kind: 'end', channelID, to: this.channelName(channelID), go: () => this.around.api.endCall(channelID) });
  }

  dismiss(callID: string, channelID: string): void {
    this.dispatch({ kind: 'dismissed', callID });
    this.around.api.dismissNotification(channelID).catch(() => undefined); // only the other devices miss it
  }

  /** Sends what happened in this page to its own user. */
  async sendDiary(): Promise<void> {
    this.diary.note('asked for logs', { browser: globalThis.navigator?.userAgent });
    await this.around.api.uploadLogs(this.diary.text(), this.diary.filename());
    this.around.alert(t('command.logs_sent'));
  }

  problems(): Promise<readonly Problem[]> {
    return this.around.api.problems();
  }

  async setEnabled(channelID: string, enabled: boolean): Promise<void> {
    try {
      await this.around.api.setEnabled(channelID, enabled);
      this.dispatch({ kind: 'enabled', channelID, enabled });
    } catch {
      this.around.alert(t('menu.refused'));
    }
  }

  /** Who may switch calls on and off: system admins, admins of the channel or its team, everybody in a direct channel. The server decides anew. */
  mayEnable(channelID: string): boolean {
    const { users, channels, teams } = this.hostState.entities ?? {};
    const member = channels?.myMembers?.[channelID];
    const channel = this.channel(channelID);
    const team = teams?.myMembers?.[channel?.team_id ?? ''];
    const system = has(users?.profiles?.[this.myID]?.roles, 'system_admin');
    return system || channel?.type === 'D' || channel?.type === 'G' || member?.scheme_admin === true || has(member?.roles, 'channel_admin') || team?.scheme_admin === true || has(team?.roles, 'team_admin');
  }

  /** A place in the host's page where the call's own parts are drawn, once there are any. */
  attach(element: HTMLElement): () => void {
    this.surfaces.set(element, this.loaded?.mount(element) ?? null);
    return () => {
      this.surfaces.get(element)?.();
      this.surfaces.delete(element);
    };
  }

  /** An address that leads into the channel's call, now and later. */
  linkTo(channelID: string): string {
    const { teams } = this.hostState.entities ?? {};
    const team = teams?.teams?.[this.channel(channelID)?.team_id || teams.currentTeamId || '']?.name ?? '';
    return `${window.location.origin}${this.around.window.basename ?? ''}/${team}/channels/${channelID}?join_call=true`;
  }

  private ask(question: Question): void {
    this.needUI().then((ui) => ui.ask(question), () => this.around.alert(t('error.load')));
  }

  private needUI(): Promise<UI> {
    this.ui ??= this.around
      .loadUI({
        onMine: (mine) => this.onMine(mine),
        openChannel: (id) => this.openChannel(id),
        nameOf: (id) => this.nameOf(id),
        channelName: (id) => this.channelName(id),
        answer: (id) => void this.open(id),
        decline: (callID, id) => this.dismiss(callID, id),
        write: async (id, text) => void (await this.around.api.reply(id, '', text)),
        alert: (text) => this.around.alert(text),
      })
      .then((ui) => {
        this.loaded = ui;
        for (const element of this.surfaces.keys()) {
          this.surfaces.set(element, ui.mount(element));
        }
        return ui;
      });
    // A failed load is tried again by the next click.
    this.ui.catch(() => {
      this.ui = null;
    });
    return this.ui;
  }

  private openChannel(channelID: string): void {
    const channel = this.channel(channelID);
    const { teams } = this.hostState.entities ?? {};
    const team = teams?.teams?.[channel?.team_id || teams.currentTeamId || '']?.name;
    if (!channel || !team) {
      return;
    }
    const other = channel.name.split('__').find((id) => id !== this.myID) ?? this.myID;
    const username = this.hostState.entities?.users?.profiles?.[other]?.username;
    const path = channel.type === 'D' && username ? `/${team}/messages/@${username}` : `/${team}/channels/${channel.type === 'D' ? channel.id : channel.name}`;
    const history = this.around.window.WebappUtils?.browserHistory;
    if (history) {
      history.push(path);
    } else {
      window.postMessage({ type: 'browser-history-push-return', message: { pathName: path } }, window.location.origin);
    }
  }

  private onEvent(channelID: string, frame: ServerFrame): void {
    const event = toCallEvent(frame);
    if (!event) {
      return;
    }
    this.dispatch({ kind: 'event', channelID, event });
    const call = this.state.calls[channelID];
    if (event.type === 'started') {
      this.ring(channelID, Date.now());
    } else if (!call) {
      this.loaded?.missed(channelID);
    } else if (event.type === 'joined' && event.userID === this.myID) {
      this.loaded?.stopRinging(channelID); // taken on this or another device
    }
    if (event.type === 'joined' && event.userID === this.myID && this.state.mine?.channelID === channelID && call?.threadID) {
      this.follow(channelID, call.threadID);
    }
    if (call?.stale && !this.refetching.has(channelID)) {
      this.refetching.add(channelID);
      this.around.setTimeout(() => {
        this.refetching.delete(channelID);
        void this.loadChannel(channelID);
      }, refetchMs);
    }
  }

  /** Who is in a call hears of what is written in its thread. */
  private follow(channelID: string, threadID: string): void {
    const team = this.channel(channelID)?.team_id || this.hostState.entities?.teams?.currentTeamId || '';
    if (team !== '') {
      this.around.api.followThread(this.myID, team, threadID).catch(() => undefined); // the thread is there all the same
    }
  }

  /** A call may have begun before this page was there, or before it knew that calls ring here: it rings for as long as is left. */
  private ringLate(): void {
    const now = Date.now();
    for (const [channelID, call] of Object.entries(this.state.calls)) {
      // A server whose clock is ahead of ours has calls that begin in the future.
      const begin = Math.min(now, call.startAt);
      if (now - begin < ringMs && ![...call.participants.values()].some((p) => p.userID === this.myID)) {
        this.ring(channelID, begin);
      }
    }
  }

  /** Direct and group calls ring, where the server has that switched on and it is not our own call; who is not to be disturbed finds a note only. */
  private ring(channelID: string, at: number): void {
    const call = this.state.calls[channelID];
    const type = this.channel(channelID)?.type;
    const quiet = this.hostState.entities?.users?.statuses?.[this.myID] === 'dnd';
    if (!call || !this.state.config?.ringing || (type !== 'D' && type !== 'G') || call.hostID === this.myID || this.state.mine?.channelID === channelID || this.state.dismissed[call.callID]) {
      return;
    }
    const { callID, hostID: callerID } = call;
    const group = type === 'G' ? this.channelName(channelID) : '';
    this.needUI().then((ui) => ui.ring({ channelID, callID, caller: this.nameOf(callerID), callerID, inCall: this.state.mine !== null, group, at, quiet }), () => undefined);
  }

  private onDismissed(callID: string): void {
    this.dispatch({ kind: 'dismissed', callID });
    this.loaded?.stopRinging('', callID);
  }

  private async fetchNames(): Promise<void> {
    const ids = this.wantedNames.splice(0);
    try {
      const users = await this.around.api.users(ids);
      this.dispatch({ kind: 'names', names: Object.fromEntries(users.map((u) => [u.id, u.name])) });
    } catch {
      for (const id of ids) {
        this.askedNames.delete(id);
      }
    }
  }
}

function nameOfUser(user: HostUser): string {
  const full = [user.first_name, user.last_name].filter(Boolean).join(' ');
  return user.nickname || full || user.username;
}

function has(roles: string | undefined, role: string): boolean {
  return roles?.split(' ').includes(role) ?? false;
}
