/**
 * Offers and answers between us and the server. We are the polite side: when both have offered, the browser takes our offer back by itself, we answer
 * the server's, then we offer again. The server cannot roll back and discards our offer while its own waits for an answer.
 *
 * What is still to be offered is remembered here and not left to the browser: after we answered an offer in which the server had set a line inactive,
 * the browser asks for nothing when we want to send on that line again (the rule compares our wish with what the other side offered last).
 */
import type { Env, TimerID } from './env';

/** An offer that got no answer in this time is sent once more: the socket may have lost it, or the server discarded it as one side of a collision. */
export const answerTimeoutMs = 5000;

export type Description = { type: 'offer' | 'answer'; sdp: string };

type Peer = Pick<
  RTCPeerConnection,
  'signalingState' | 'localDescription' | 'remoteDescription' | 'setLocalDescription' | 'setRemoteDescription' | 'addIceCandidate' | 'onnegotiationneeded'
>;

export interface NegotiationHooks {
  /** Sends a description. false: it could not be sent, and resend() will be called later. */
  send(description: Description): boolean;
  /** We have answered an offer of the server. */
  answered(): void;
  /** The server has answered ours, and nothing more is to be offered now. */
  settled(): void;
  /** Something was refused by the browser; the connection may still be usable. */
  failed(error: unknown): void;
}

export class Negotiation {
  private queue: Promise<void> = Promise.resolve();
  private early: RTCIceCandidateInit[] = [];
  private timer: TimerID | null = null;
  private unsent = false;
  /** How many changes there were, how many the pending offer carries, and how many the server has answered. */
  private wanted = 0;
  private offered = 0;
  private settled = 0;
  private closed = false;

  constructor(
    private readonly peer: Peer,
    private readonly timers: Env['timers'],
    private readonly hooks: NegotiationHooks,
  ) {
    peer.onnegotiationneeded = () => this.negotiate();
  }

  /** Offers what changed, as soon as nothing else is being negotiated. */
  negotiate(): void {
    this.wanted++;
    void this.run(() => this.offer());
  }

  /** Takes an offer, an answer or a candidate of the server. Everything is handled one after another, in the order of the calls. */
  description(description: Description): Promise<void> {
    return this.run(() => this.accept(description));
  }

  candidate(candidate: RTCIceCandidateInit): Promise<void> {
    return this.run(async () => {
      if (this.peer.remoteDescription) {
        await this.peer.addIceCandidate(candidate);
      } else {
        this.early.push(candidate);
      }
    });
  }

  /** Sends again what may not have arrived: the offer that waits for its answer, or the answer for which there was no socket. */
  resend(): Promise<void> {
    return this.run(async () => {
      if (this.peer.signalingState === 'have-local-offer' || this.unsent) {
        this.sendLocal();
      }
    });
  }

  close(): void {
    this.closed = true;
    this.peer.onnegotiationneeded = null;
    this.stopTimer();
  }

  private run(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(async () => {
      if (this.closed) {
        return;
      }
      try {
        await step();
      } catch (error) {
        if (!this.closed) {
          this.hooks.failed(error);
        }
      }
    });
    return this.queue;
  }

  private async offer(): Promise<void> {
    // Whatever is pending comes first; accept() comes back to this.
    if (this.wanted === this.settled || this.peer.signalingState !== 'stable') {
      return;
    }
    this.offered = this.wanted;
    await this.peer.setLocalDescription();
    this.sendLocal();
  }

  private async accept(description: Description): Promise<void> {
    if (description.type === 'answer') {
      // An answer to an offer that was rolled back meanwhile: taking it would be an error and end the connection.
      if (this.peer.signalingState !== 'have-local-offer') {
        return;
      }
      await this.peer.setRemoteDescription(description);
      this.settled = this.offered;
      this.stopTimer();
      if (this.settled === this.wanted) {
        this.hooks.settled();
      }
    } else {
      await this.takeOffer(description);
      this.stopTimer();
      await this.peer.setLocalDescription();
      this.sendLocal();
      this.hooks.answered();
    }
    await this.flushCandidates();
    await this.offer();
  }

  /**
   * Browsers take back an offer of ours that meets the server's, but Chromium refuses where the two give a header extension's number to different extensions
   * on one line. Taken back by word first, nothing stands in the way.
   */
  private async takeOffer(description: Description): Promise<void> {
    try {
      await this.peer.setRemoteDescription(description);
    } catch (error) {
      if (this.peer.signalingState !== 'have-local-offer') {
        throw error;
      }
      await this.peer.setLocalDescription({ type: 'rollback' });
      await this.peer.setRemoteDescription(description);
    }
  }

  private async flushCandidates(): Promise<void> {
    const early = this.early;
    this.early = [];
    for (const candidate of early) {
      await this.peer.addIceCandidate(candidate);
    }
  }

  private sendLocal(): void {
    const local = this.peer.localDescription;
    if (!local || (local.type !== 'offer' && local.type !== 'answer')) {
      return;
    }
    this.unsent = !this.hooks.send({ type: local.type, sdp: local.sdp });
    this.stopTimer();
    if (!this.unsent && local.type === 'offer') {
      this.timer = this.timers.set(() => {
        this.timer = null;
        void this.resend();
      }, answerTimeoutMs);
    }
  }

  private stopTimer(): void {
    if (this.timer !== null) {
      this.timers.clear(this.timer);
      this.timer = null;
    }
  }
}
