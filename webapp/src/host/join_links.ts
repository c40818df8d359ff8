/**
 * Links that lead into a call: `?join_call=true` behind the address of a channel. Hosts soon put a channel's plain address in place of such a one, and load no
 * new page when it is clicked in a post, so it is read as early as can be, and clicks are watched.
 */
import type { HostChannel } from './contract';

/** How long the host may take to show the channel. Who comes to it later does not come by the link. */
export const patienceMs = 30_000;

interface CallsOf {
  readonly currentChannelID: string;
  channel(id: string): HostChannel | undefined;
  open(channelID: string): unknown;
  subscribe(listener: () => void): () => void;
}

export class JoinLinks {
  /** What the address names: a channel's id or name, or @ and a user. */
  private wanted = '';
  private since = 0;
  /** The address that was read last, as it stays for a while. */
  private read = '';
  /** The state of the calls is known, so that one can be joined. */
  private ready = false;
  private readonly unsubscribe: () => void;
  private readonly click = (event: MouseEvent) => this.onClick(event);

  constructor(
    private readonly calls: CallsOf,
    private readonly now: () => number = Date.now,
  ) {
    this.readAddress();
    this.unsubscribe = calls.subscribe(() => this.look());
    document.addEventListener('click', this.click);
  }

  /** The state of the calls is known. */
  start(): void {
    this.ready = true;
    this.look();
  }

  close(): void {
    this.unsubscribe();
    document.removeEventListener('click', this.click);
  }

  private readAddress(): void {
    const { href, search } = window.location;
    if (href !== this.read && search.includes('join_call=true')) {
      this.want(new URL(href));
    }
    this.read = href;
  }

  private want({ pathname }: URL): void {
    this.wanted = /\/(?:channels|messages)\/([^/]+)/.exec(pathname)?.[1] ?? '';
    this.since = this.now();
  }

  private onClick(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href*="join_call=true"]') : null;
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target === '_blank') {
      return; // it opens elsewhere, and is that page's to read
    }
    const address = new URL(link.href, window.location.href);
    if (address.origin === window.location.origin) {
      this.want(address);
      this.look();
    }
  }

  private look(): void {
    this.readAddress();
    if (this.wanted === '' || !this.ready) {
      return;
    }
    const wanted = this.wanted;
    const id = this.calls.currentChannelID;
    const channel = this.calls.channel(id);
    if (channel && (wanted === id || wanted === channel.name || (wanted.startsWith('@') && channel.type === 'D'))) {
      this.wanted = '';
      clearAddress();
      void this.calls.open(id);
    } else if (this.now() - this.since > patienceMs) {
      this.wanted = '';
      clearAddress();
    }
  }
}

/** Loaded anew, the page is not to join again. */
function clearAddress(): void {
  const address = new URL(window.location.href);
  if (address.searchParams.has('join_call')) {
    address.searchParams.delete('join_call');
    window.history.replaceState(window.history.state, '', address);
  }
}
