/** What the view says of the network: how good ours has been, how long it was away, and whose is weak. */
import type { Timers } from '../engine/env';
import { type Facts, lossOf, qualityOf, type Stat } from './facts';
import { regrade } from './grade';
import { senderOf } from './view';
import type { ViewBox } from './view_box';
import { noWeak, watchLines, weakOnes } from './weak';

export class Network {
  private weak = noWeak;
  private lostAt: number | null = null;

  constructor(
    private readonly box: ViewBox,
    private readonly timers: Timers,
  ) {}

  /** A person joins, and nothing is known. */
  reset(): void {
    this.weak = noWeak;
    this.lostAt = null;
  }

  measured(facts: Facts, stats: readonly Stat[]): void {
    const { view } = this.box;
    const now = this.timers.now();
    const owner = (mid: string, track: string) => {
      const voice = view.voices.find((v) => (mid !== '' ? v.mid === mid : v.track.id === track));
      return voice ? senderOf(view, voice) : '';
    };
    this.weak = watchLines(this.weak, stats, owner, facts.lostToServer, now);
    const weak = weakOnes(this.weak);
    const delay = view.roundTrip ?? facts.roundTripMs;
    const grade = delay === null ? view.grade : regrade(view.grade, qualityOf(delay, lossOf(facts, weak.size > 0)), now);
    this.box.set({ facts, grade, weak });
  }

  lost(): void {
    this.lostAt ??= Date.now();
  }

  /** Connected; says how much of the call was missed, where it had been lost. */
  arrived(): void {
    if (this.lostAt !== null) {
      const at = Date.now();
      this.box.set({ missed: { ms: at - this.lostAt, at } });
      this.lostAt = null;
    }
  }
}
