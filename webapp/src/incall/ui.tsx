/**
 * The part of the bundle that only people in a call need, loaded when the first of them joins: the call's store, the widget, the large view, questions and
 * ringing. It is drawn by a Preact of its own into elements that the host gave.
 */
import { type ComponentChild, render } from 'preact';

import type { User } from '../engine/api';
import type { Mine } from '../host/state';
import { setLanguage, t } from '../i18n';
import { browserSurroundings } from '../page/browser';
import { CallStore } from '../page/call_store';
import type { TakeOver } from '../page/popout';
import { pluginID } from '../manifest';
import { watchTheme } from '../ui/theme';
import { Expanded } from './expanded';
import { Surface } from './surface';
import css from './incall.css?inline';

/** What the start part of the bundle gives to this one. */
export interface UIBridge {
  onMine(mine: Mine | null): void;
  openChannel(channelID: string): void;
  /** The host's page for the large view of a call; empty where it has none. */
  largeAddress(channelID: string): string;
  nameOf(userID: string): string;
  channelName(channelID: string): string;
  /** Somebody took a ringing call, or did not want it. */
  answer(channelID: string): void;
  /** The window whose call this one shows goes: the call is to go on here as it was. */
  takeOver(channelID: string, call: TakeOver): void;
  decline(callID: string, channelID: string): void;
  /** Writes into a channel, for who answers a call with a line of text. */
  write(channelID: string, text: string): Promise<void>;
  /** Shows a sentence that has no better place. */
  alert(text: string): void;
}

export interface StartOptions {
  channelID: string;
  channelType: string;
  title: string;
  callTitle: string;
  threadID: string;
  me: User | null;
  /** Said where a call is moved here from another window: as it was there. */
  unmuted?: boolean;
  /** Without a microphone. */
  listen?: boolean;
}

/** The check of microphone and speaker before a call. */
export interface CheckOptions {
  channel: string;
  /** A call is on in the channel. */
  running: boolean;
  /** We are in one, here or elsewhere. */
  inCall: boolean;
  go(listen: boolean): void;
}

/** A question that must be answered before something happens. */
export interface Question {
  kind: 'switch' | 'end' | 'move';
  channelID: string;
  from?: string;
  to: string;
  go(): void | Promise<void>;
}

export interface Ring {
  channelID: string;
  callID: string;
  caller: string;
  callerID: string;
  inCall: boolean;
  /** The name of a group that is called together; empty where one person calls another. */
  group: string;
  at: number;
  /** The person is not to be disturbed: nothing is shown or heard but that the call was missed. */
  quiet?: boolean;
  /** It is shown and makes no sound any more. */
  silent?: boolean;
  missed?: boolean;
}

export interface UI {
  start(options: StartOptions): void;
  leave(): void;
  expand(): void;
  ask(question: Question): void;
  check(options: CheckOptions): void;
  ring(ring: Ring): void;
  stopRinging(channelID: string, callID?: string): void;
  /** The call is over and nobody took it. */
  missed(channelID: string): void;
  mount(element: HTMLElement): () => void;
  /** Fills the page of the large view. */
  mountExpanded(element: HTMLElement, channelID: string): () => void;
}

/** All that the surface draws. */
export interface UIState {
  readonly store: CallStore | null;
  readonly channelID: string;
  readonly expanded: boolean;
  readonly question: Question | null;
  readonly check: (CheckOptions & { readonly store: CallStore }) | null;
  readonly rings: readonly Ring[];
}

/** As many as fit under one another. */
const mostRings = 3;

declare global {
  interface Window {
    /** What a pop-out shows: the call of the window that opened it. */
    callsStore?: CallStore | undefined;
    /** Of a pop-out: to be called by the window that opened it when that goes away. */
    callsTakeOver?: ((call: TakeOver) => void) | undefined;
  }
}

export class InCall implements UI {
  private state: UIState = { store: null, channelID: '', expanded: false, question: null, check: null, rings: [] };
  private readonly elements = new Map<HTMLElement, () => ComponentChild>();
  private popout: Window | null = null;

  constructor(
    private readonly base: string,
    readonly bridge: UIBridge,
  ) {
    addStyles();
    watchTheme();
    // Not beforeunload: browsers of phones do not fire it, and the page need not ask anything.
    window.addEventListener('pagehide', () => this.goAway());
    document.addEventListener('visibilitychange', () => this.state.store?.setAway(document.hidden));
  }

  start({ channelID, channelType, title, callTitle, threadID, me, unmuted, listen = false }: StartOptions): void {
    const before = this.state.store;
    const around = browserSurroundings(this.base, {
      channelID, title: callTitle, threadID,
      onClient: (client) => {
        window.callsClient = client;
      },
    });
    const store = new CallStore(around);
    store.describe({ title, channelType, me });
    if (me) {
      store.learn([me]);
    }
    store.subscribe(() => this.follow(store));
    this.popout?.close();
    this.set({ store, channelID, check: null, expanded: false });
    window.callsStore = store;
    // Only now, when its end is nobody's news any more: who switches is at no moment in no call.
    before?.leave();
    this.stopRinging(channelID);
    // In a conversation of few one is expected to be heard; elsewhere one comes in muted.
    void store.join(!listen, unmuted ?? (channelType === 'D' || channelType === 'G'));
  }

  leave(): void {
    this.state.store?.leave();
  }

  /** This window is closed or loaded anew. A pop-out goes on with the call by itself; alone, it finds it still there, as our session is kept for some seconds. */
  private goAway(): void {
    const { store } = this.state;
    const view = store?.view;
    const self = view?.call.participants.get(view.selfID);
    if (!view || !self || !this.popout || this.popout.closed || !this.popout.callsTakeOver) {
      this.leave();
      return;
    }
    this.popout.callsTakeOver({ unmuted: self.unmuted, listen: view.microphone === 'none' });
    this.popout = null; // it is no longer ours to close
    if (view.call.participants.size > 1) {
      this.leave();
    }
  }

  /** Shows the call large: in a window of its own, or in this one where there can be none. */
  expand(): void {
    const { channelID, store } = this.state;
    if (!store) {
      return;
    }
    if (this.popout && !this.popout.closed) {
      this.popout.focus();
      return;
    }
    const desktop = 'desktop' in window;
    const address = this.bridge.largeAddress(channelID) || `${this.base}/plugins/${pluginID}/public/call.html?channel=${encodeURIComponent(channelID)}&popout=1`;
    this.popout = desktop ? null : window.open(address, 'ExpandedView', 'popup,resizable=yes,width=1100,height=720');
    if (!this.popout) {
      this.setExpanded(true);
    }
  }

  setExpanded(expanded: boolean): void {
    if (expanded !== this.state.expanded) {
      this.set({ expanded });
    }
  }

  /** Makes the call small; who is at the address of the large view is led to the channel. */
  collapse(): void {
    this.setExpanded(false);
    if (window.location.pathname.includes(`/${pluginID}/expanded/`)) {
      this.bridge.openChannel(this.state.channelID);
    }
  }

  ask(question: Question): void {
    this.set({ question });
  }

  check(options: CheckOptions): void {
    // A store of its own, as there need not be a call: it opens the microphone and remembers the switches.
    this.set({ check: { ...options, store: new CallStore(browserSurroundings(this.base, { channelID: '', onClient: () => undefined })) } });
  }

  closeCheck(): void {
    this.set({ check: null });
  }

  answerQuestion(yes: boolean): void {
    const { question } = this.state;
    this.set({ question: null });
    if (yes && question) {
      Promise.resolve(question.go()).catch((error: unknown) => this.state.store?.fail(error));
    }
  }

  ring(ring: Ring): void {
    if (this.state.rings.some((r) => r.callID === ring.callID)) {
      return; // heard of twice: by its event, and by asking
    }
    this.set({ rings: [ring, ...this.state.rings.filter((r) => r.channelID !== ring.channelID)].slice(0, mostRings) });
  }

  stopRinging(channelID: string, callID = ''): void {
    this.set({ rings: this.state.rings.filter((r) => r.channelID !== channelID && r.callID !== callID) });
  }

  /** Nobody answered: what rang becomes a note. */
  missed(channelID: string): void {
    // The drawing that this causes runs the effect that calls it once more.
    if (this.state.rings.some((r) => r.channelID === channelID && !r.missed)) {
      this.editRing(channelID, { missed: true });
    }
  }

  silence(channelID: string): void {
    this.editRing(channelID, { silent: true });
  }

  reply(channelID: string, text: string): void {
    this.bridge.write(channelID, text).catch(() => this.bridge.alert(t('ring.reply.failed')));
  }

  private editRing(channelID: string, fields: Partial<Ring>): void {
    if (this.state.rings.some((r) => r.channelID === channelID)) {
      this.set({ rings: this.state.rings.map((r) => (r.channelID === channelID ? { ...r, ...fields } : r)) });
    }
  }

  /** The call ended and the person has read why. */
  close(): void {
    this.set({ store: null, channelID: '', expanded: false });
    window.callsStore = undefined;
  }

  mount(element: HTMLElement): () => void {
    return this.put(element, () => <Surface ui={this} state={this.state} />);
  }

  mountExpanded(element: HTMLElement, channelID: string): () => void {
    return this.put(element, () => <Expanded ui={this} state={this.state} channelID={channelID} />);
  }

  private put(element: HTMLElement, content: () => ComponentChild): () => void {
    this.elements.set(element, content);
    this.draw();
    return () => {
      this.elements.delete(element);
      render(null, element);
    };
  }

  private follow(store: CallStore): void {
    if (store !== this.state.store) {
      return;
    }
    const { status } = store.view;
    if (status.phase === 'ended') {
      this.bridge.onMine(null);
      this.popout?.close();
      this.set({ expanded: false });
      if (status.reason === 'left') {
        this.close();
      }
    } else if (status.phase !== 'idle') {
      const phase = status.phase === 'connected' || status.phase === 'reconnecting' ? status.phase : 'connecting';
      const unmuted = store.view.call.participants.get(store.view.selfID)?.unmuted ?? false;
      const { sharing } = store.view;
      const key = `${this.state.channelID} ${phase} ${unmuted} ${sharing}`;
      if (key !== this.told) {
        this.told = key;
        this.bridge.onMine({ channelID: this.state.channelID, phase, unmuted, ...(sharing ? { sharing } : {}) });
      }
      return;
    }
    this.told = '';
  }

  private told = '';

  private set(fields: Partial<UIState>): void {
    this.state = { ...this.state, ...fields };
    this.draw();
  }

  private draw(): void {
    for (const [element, content] of this.elements) {
      render(content(), element);
    }
  }
}

export function createUI(base: string, languages: readonly string[], bridge: UIBridge): UI {
  setLanguage(languages);
  return new InCall(base, bridge);
}

function addStyles(): void {
  const style = document.createElement('style');
  style.dataset.plugin = pluginID;
  style.textContent = css;
  document.head.append(style);
}
