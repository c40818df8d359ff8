/** Which ends of a call are ones to come back from by oneself, how often that is tried, and with what waits. */
import type { EndReason } from '../engine/errors';
import type { Status } from '../engine/status';

type Ended = Status & { phase: 'ended' };

/** How often the page goes back into a call by itself after a fault of the server. */
const maxRejoins = 3;
const rejoinMs = 500;
/** Ends that are nobody's will: the line broke, or the server's whole plugin is gone and comes back within a minute. */
const cutOff: ReadonlySet<EndReason> = new Set<EndReason>(['ice_failed', 'connection_closed', 'socket_lost']);
/** How often the page tries to come back after such an end, the waits doubling: two minutes with the time each try takes. */
const maxReturns = 7;
/** What a server answers that will answer the same the next time. */
const lastWords: ReadonlySet<string> = new Set(['forbidden', 'archived', 'calls_disabled']);

export class Comeback {
  private rejoins = 0;
  /** While the page tries to come back: whether the microphone was open, and how often it has tried. */
  private returning: { unmuted: boolean; tries: number } | null = null;

  get underWay(): boolean {
    return this.returning !== null;
  }

  /** Whether the microphone was open when the call was lost. */
  get unmuted(): boolean {
    return this.returning?.unmuted ?? false;
  }

  /** A person joins, and all is counted anew. */
  reset(): void {
    this.rejoins = 0;
    this.returning = null;
  }

  arrived(): void {
    this.returning = null;
  }

  /** Says whether this end is one to come back from: a fault of the server, or a line that broke after it had been there. */
  from({ reason, error }: Ended, before: Status['phase']): boolean {
    if (reason === 'crashed') {
      return this.rejoins++ < maxRejoins;
    }
    if (this.returning) {
      return (cutOff.has(reason) || reason === 'failed') && !lastWords.has(error?.serverCode ?? '') && this.returning.tries < maxReturns;
    }
    return cutOff.has(reason) && (before === 'connected' || before === 'reconnecting');
  }

  /** Counts the next try, and says how long to wait before it and whether it is the first. */
  next(unmuted: boolean): { waitMs: number; first: boolean } {
    const tries = this.returning?.tries ?? 0;
    this.returning = { unmuted, tries: tries + 1 };
    return { waitMs: rejoinMs * 2 ** tries, first: tries === 0 };
  }
}
