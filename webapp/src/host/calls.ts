/** What the bundle does in the host: it keeps the state of all channels, and joins, leaves and ends calls. */
import type { Api, Problem } from '../engine/api';
import { t } from '../i18n';
import type { Question, UI, UIBridge } from '../incall/ui';
import type { TabHooks, Tabs } from '../page/tabs';
import type { HostChannel, HostMessage, HostState, HostStore, HostWindow } from './contract';
import { Diary } from './diary';
import { Directory, nameOfUser } from './directory';
import { Feed } from './feed';
import { Loader } from './loader';
import { Ringer } from './ringing';
import { type CallsAction, type CallsState, elsewhere, emptyState, hostAction, isEnabled, isFull, type Mine, stateKey } from './state';

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
  /** The host has pages for plugins, and with them the large view an address. */
  largeRoute?: boolean;
  /** This window shows the call of the one that opened it, large; what rings, rings there. */
  popout?: boolean;
}

export interface JoinOptions {
  title?: string;
  threadID?: string;
  /** Not to be asked for a microphone. */
  listen?: boolean;
  /** Not as one usually comes in, but so. */
  unmuted?: boolean;
}

export class HostCalls {
  private readonly directory: Directory;
  private readonly loader: Loader;
  private readonly feed: Feed;
  private readonly diary = new Diary();
  /** The channel whose call is being opened; a second click meanwhile asks nothing new. */
  private opening = '';
  private readonly tabs: Tabs;
  /** The window whose call we are taking over; it is asked to leave as soon as we are in. */
  private taking = '';

  constructor(private readonly around: Around) {
    const { api, setTimeout } = around;
    const [state, dispatch] = [() => this.state, (action: CallsAction) => this.dispatch(action)];
    this.loader = new Loader(() => around.loadUI(this.bridge()), () => around.alert(t('error.load')));
    const directory = new Directory({
      hostState: () => this.hostState, told: () => this.state.names, learn: (names) => dispatch({ kind: 'names', names }),
      users: (ids) => api.users(ids), setTimeout, basename: around.window.basename ?? '',
    });
    const ringer = new Ringer({
      directory, state, silent: around.popout ?? false, needUI: () => this.loader.need(), myStatus: () => this.hostState.entities?.users?.statuses?.[directory.myID] ?? '',
    });
    this.feed = new Feed({ api, directory, ringer, diary: this.diary, state, dispatch, setTimeout, loaded: () => this.loader.loaded });
    this.directory = directory;
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
    return this.directory.currentChannelID;
  }

  get myID(): string {
    return this.directory.myID;
  }

  channel(id: string): HostChannel | undefined {
    return this.directory.channel(id);
  }

  channelName(id: string): string {
    return this.directory.channelName(id);
  }

  nameOf(userID: string): string {
    return this.directory.nameOf(userID);
  }

  mayEnable(channelID: string): boolean {
    return this.directory.mayEnable(channelID);
  }

  linkTo(channelID: string): string {
    return this.directory.linkTo(channelID);
  }

  load(): Promise<void> {
    return this.feed.load();
  }

  loadChannel(channelID: string): Promise<void> {
    return this.feed.loadChannel(channelID);
  }

  onMessage(name: string, message: HostMessage): void {
    this.feed.onMessage(name, message);
  }

  /** The button, the toast, the post and the link all come here. */
  async open(channelID: string, options: JoinOptions = {}): Promise<void> {
    const { mine } = this.state;
    if (mine?.channelID === channelID) {
      this.loader.loaded?.expand();
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
    if (elsewhere(this.state, channelID)?.sharing) {
      this.ask({ kind: 'move', channelID, to: this.channelName(channelID), go: () => void this.join(channelID, options) });
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
      const ui = await this.loader.need();
      const type = this.channel(channelID)?.type ?? '';
      const { me } = this.directory;
      ui.start({
        channelID, channelType: type, title: this.channelName(channelID), callTitle: options.title ?? '', threadID: options.threadID ?? '',
        me: me ? { id: me.id, username: me.username, name: nameOfUser(me) } : null,
        ...(other ? { unmuted: other.unmuted } : {}), ...(options.unmuted === undefined ? {} : { unmuted: options.unmuted }), ...(options.listen ? { listen: true } : {}),
      });
    } catch {
      this.dispatch({ kind: 'mine', mine: null });
      this.around.alert(t('error.load'));
    } finally {
      this.opening = '';
    }
  }

  leave(): void {
    this.loader.loaded?.leave();
  }

  /** Nobody is signed in any more: the next person is not to be in this one's call, nor to see what this one saw. */
  signedOut(): void {
    this.leave();
    this.directory.forget();
    this.diary.forget();
    this.dispatch({ kind: 'signedOut' });
  }

  /** The person's own way in changed. */
  private onMine(mine: Mine | null): void {
    this.dispatch({ kind: 'mine', mine });
    this.tabs.tell(mine && { channelID: mine.channelID, unmuted: mine.unmuted ?? false, ...(mine.sharing ? { sharing: true } : {}) });
    if (mine?.phase === 'connected' && this.taking !== '') {
      this.tabs.takeFrom(this.taking);
      this.taking = '';
    }
  }

  /** The check of microphone and speaker, from which one can go into the call. */
  check(channelID: string): void {
    const running = this.state.calls[channelID] !== undefined;
    const go = (listen: boolean) => void this.open(channelID, { listen });
    this.loader.with((ui) => ui.check({ channel: this.channelName(channelID), running, inCall: this.state.mine !== null, go }));
  }

  attach(element: HTMLElement): () => void {
    return this.loader.attach(element);
  }

  attachExpanded(element: HTMLElement, channelID: string): () => void {
    return this.loader.attachExpanded(element, channelID);
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

  private ask(question: Question): void {
    this.loader.with((ui) => ui.ask(question));
  }

  private bridge(): UIBridge {
    return {
      onMine: (mine) => this.onMine(mine),
      openChannel: (id) => this.openChannel(id),
      nameOf: (id) => this.nameOf(id),
      channelName: (id) => this.channelName(id),
      largeAddress: (id) => (this.around.largeRoute ? this.directory.largeAddress(id) : ''),
      answer: (id) => void this.open(id),
      takeOver: (id, call) => void this.join(id, call),
      decline: (callID, id) => this.dismiss(callID, id),
      write: async (id, text) => void (await this.around.api.reply(id, '', text)),
      alert: (text) => this.around.alert(text),
    };
  }

  private openChannel(channelID: string): void {
    const path = this.directory.pathTo(channelID);
    const history = this.around.window.WebappUtils?.browserHistory;
    if (path === '') {
      return;
    }
    if (history) {
      history.push(path);
    } else {
      window.postMessage({ type: 'browser-history-push-return', message: { pathName: path } }, window.location.origin);
    }
  }
}
