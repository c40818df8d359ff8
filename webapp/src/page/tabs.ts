/**
 * One person's windows of the same site, in one browser: each tells the others in which call it is, so that a call can be moved from one to another without a
 * gap. The one that takes a call over joins first, and then asks the other to leave.
 */
import { isRecord } from '../engine/frames';

/** A call that another window is in. */
export interface Elsewhere {
  readonly tab: string;
  readonly channelID: string;
  readonly unmuted: boolean;
  /** It shares a screen, which no other window can take over. */
  readonly sharing?: boolean;
}

/** What a BroadcastChannel has, as far as it is used. */
export interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  close(): void;
}

export interface TabHooks {
  /** The windows that are in a call changed. */
  changed(others: readonly Elsewhere[]): void;
  /** Another window has taken our call over. */
  leave(): void;
}

/** More windows than this are not kept in mind. */
const mostTabs = 50;

export class Tabs {
  private mine: Elsewhere | null = null;
  private readonly others = new Map<string, Elsewhere>();

  constructor(
    private readonly port: Port | null,
    private readonly id: string,
    private readonly hooks: TabHooks,
    private readonly closed: () => void = () => undefined,
  ) {
    if (port) {
      port.onmessage = ({ data }) => this.hear(data);
      this.say({ type: 'who' });
    }
  }

  /** Tells the others where we are; null is in no call. */
  tell(mine: Omit<Elsewhere, 'tab'> | null): void {
    const before = this.mine;
    this.mine = mine && { ...mine, tab: this.id };
    if (this.mine && (before?.channelID !== this.mine.channelID || before.unmuted !== this.mine.unmuted || before.sharing !== this.mine.sharing)) {
      this.say({ type: 'in', ...this.mine });
    } else if (before && !this.mine) {
      this.say({ type: 'out', tab: this.id });
    }
  }

  /** Asks a window to leave its call: we are in it ourselves now. */
  takeFrom(tab: string): void {
    this.say({ type: 'leave', tab });
  }

  close(): void {
    this.tell(null);
    this.port?.close();
    this.closed();
  }

  private say(message: object): void {
    this.port?.postMessage(message);
  }

  private hear(data: unknown): void {
    if (!isRecord(data)) {
      return;
    }
    const tab = typeof data.tab === 'string' ? data.tab : '';
    if (data.type === 'who') {
      if (this.mine) {
        this.say({ type: 'in', ...this.mine });
      }
    } else if (data.type === 'leave') {
      if (tab === this.id && this.mine) {
        this.hooks.leave();
      }
    } else if (data.type === 'out') {
      if (this.others.delete(tab)) {
        this.hooks.changed([...this.others.values()]);
      }
    } else if (data.type === 'in' && tab !== '' && typeof data.channelID === 'string' && (this.others.has(tab) || this.others.size < mostTabs)) {
      this.others.set(tab, { tab, channelID: data.channelID, unmuted: data.unmuted === true, ...(data.sharing === true ? { sharing: true } : {}) });
      this.hooks.changed([...this.others.values()]);
    }
  }
}

/** The windows of this site at this address; none where the browser cannot say it to others. */
export function openTabs(base: string, hooks: TabHooks): Tabs {
  const port = typeof window.BroadcastChannel === 'function' ? new window.BroadcastChannel(`com.mattermost.calls ${base}`) : null;
  const gone = () => tabs.tell(null);
  const tabs = new Tabs(port as Port | null, Math.random().toString(36).slice(2), hooks, () => window.removeEventListener('pagehide', gone));
  window.addEventListener('pagehide', gone);
  return tabs;
}
