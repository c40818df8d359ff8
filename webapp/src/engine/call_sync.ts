/** Keeps what we know of the call in step with the server: events go through the reducer, and after a gap the whole call is asked for. */
import type { Timers, TimerID } from './env';
import { apply, applySnapshot, type CallEvent, type CallState, noCall, type Snapshot } from './state';

/** How long an answer on the socket may take before HTTP is asked, and how long HTTP rests after it brought nothing new. */
const refetchMs = 300;
const refetchAgainMs = 2000;

export interface SyncHooks {
  /** Asks for the whole call on the socket; the answer comes to `snapshot`. */
  ask(): void;
  fetch(): Promise<{ call: Snapshot | null }>;
  changed(next: CallState, before: CallState): void;
}

export class CallSync {
  private current: CallState = noCall;
  /** Only who is in needs the whole call, and after the end nothing changes any more. */
  private phase: 'before' | 'in' | 'over' = 'before';
  private timer: TimerID | null = null;

  constructor(
    private readonly timers: Timers,
    private readonly hooks: SyncHooks,
  ) {}

  get state(): CallState {
    return this.current;
  }

  /** We are in: the call is fetched unless the socket tells it first. */
  start(): void {
    this.phase = 'in';
    this.refetch(refetchMs);
  }

  stop(): void {
    this.phase = 'over';
    if (this.timer !== null) {
      this.timers.clear(this.timer);
      this.timer = null;
    }
  }

  event(event: CallEvent): void {
    this.set(apply(this.current, event));
  }

  snapshot(snapshot: Snapshot | null): void {
    this.set(applySnapshot(this.current, snapshot));
  }

  /** Events were lost with a socket. */
  gap(): void {
    if (this.phase === 'in') {
      this.set({ ...this.current, stale: true });
    }
  }

  private set(next: CallState): void {
    const before = this.current;
    if (next === before || this.phase === 'over') {
      return;
    }
    this.current = next;
    if (next.stale) {
      this.ask();
    }
    this.hooks.changed(next, before);
  }

  /** After a gap: asks on the socket for the whole call, once for a burst of gaps, and by HTTP when no answer came to that. */
  private ask(): void {
    if (this.timer === null && this.phase === 'in') {
      this.hooks.ask();
      this.refetch(refetchMs);
    }
  }

  private refetch(ms: number): void {
    if (this.timer !== null || this.phase !== 'in') {
      return;
    }
    this.timer = this.timers.set(() => {
      if (this.current.callID !== '' && !this.current.stale) {
        this.timer = null; // the socket told us meanwhile
        return;
      }
      this.hooks.fetch().then(
        ({ call }) => this.fetched(call ? applySnapshot(this.current, call) : this.current),
        () => this.fetched(this.current),
      );
    }, ms);
  }

  private fetched(state: CallState): void {
    this.timer = null;
    this.set(state);
    if (this.current.stale) {
      this.refetch(refetchAgainMs);
    }
  }
}
