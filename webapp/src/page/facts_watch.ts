/** Looks from time to time at what the browser measures of a call. */
import type { CallsClient } from '../engine/client';
import type { Timers, TimerID } from '../engine/env';
import { type Counters, type Facts, readFacts, type Stat } from './facts';

const everyMs = 2000;

export class FactsWatch {
  private counters: Counters | null = null;
  private timer: TimerID | null = null;
  private client: CallsClient | null = null;

  constructor(
    private readonly timers: Timers,
    private readonly told: (facts: Facts, stats: readonly Stat[]) => void,
  ) {}

  /** Watches this client, in place of any other, until its call has ended. */
  start(client: CallsClient): void {
    this.client = client;
    if (this.timer !== null) {
      this.timers.clear(this.timer);
    }
    this.timer = this.timers.set(() => void this.look(client), everyMs);
  }

  private async look(client: CallsClient): Promise<void> {
    this.timer = null;
    if (client.status.phase === 'ended') {
      return;
    }
    const report = await client.getStats().catch(() => new Map());
    if (this.client !== client) {
      return; // another one is watched meanwhile
    }
    const stats: Stat[] = [...report.values()];
    const { facts, counters } = readFacts(stats, this.counters, this.timers.now());
    this.counters = counters;
    this.told(facts, stats);
    this.start(client);
  }
}
