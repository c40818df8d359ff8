/** Our own microphone on its way into the call: whether it is to be heard, whether the server knows, and when the first unmute may make its offer. */
import type { Timers, TimerID } from './env';
import { CallsError } from './errors';

/** How long an unmute before the connection waits for the server's first offer; stock clients wait as long before they unmute by themselves. */
export const earlyOfferMs = 1000;

export interface VoiceHooks {
  /** Tells the server; false while there is no socket. */
  say(unmuted: boolean): boolean;
  /** Sends this track, or nothing. */
  send(track: MediaStreamTrack | null): Promise<void> | undefined;
}

export class Voice {
  private microphone: MediaStreamTrack | null = null;
  private wantUnmuted = false;
  private unsaid = false;
  private connected = false;
  private timer: TimerID | null = null;

  constructor(
    private readonly timers: Timers,
    private readonly hooks: VoiceHooks,
  ) {}

  /** What the person wants; the server's word on it comes a moment later. */
  get open(): boolean {
    return this.wantUnmuted;
  }

  /** Takes a microphone, or takes it away. It sends only while unmuted. */
  async use(track: MediaStreamTrack | null): Promise<void> {
    this.microphone = track;
    if (!track && this.wantUnmuted) {
      await this.mute();
    } else if (this.wantUnmuted) {
      await this.hooks.send(track);
    }
  }

  async unmute(): Promise<void> {
    if (!this.microphone) {
      throw new CallsError('no_microphone');
    }
    this.wantUnmuted = true;
    if (!this.connected) {
      return; // onConnected comes back to it
    }
    // The word goes before the offer that the first unmute causes: the server then holds back an offer of its own.
    this.say();
    await this.hooks.send(this.microphone);
  }

  async mute(): Promise<void> {
    this.wantUnmuted = false;
    this.say();
    await this.hooks.send(null);
  }

  /** Media flow for the first time. */
  onConnected(): void {
    this.connected = true;
    // Somebody may have unmuted while we were still connecting. The server makes its first offer at this very moment, and two that meet cost both time.
    if (this.wantUnmuted) {
      this.timer = this.timers.set(() => this.onAnswered(), earlyOfferMs);
    }
  }

  /** The server's first offer is through, or there is none: what had to wait for it can go on. */
  onAnswered(): void {
    if (this.timer !== null) {
      this.stop();
      if (this.wantUnmuted) {
        void this.unmute();
      }
    }
  }

  /** The socket is back: what could not be said on the old one is said now. */
  onReopened(): void {
    if (this.unsaid) {
      this.say();
    }
  }

  stop(): void {
    if (this.timer !== null) {
      this.timers.clear(this.timer);
      this.timer = null;
    }
  }

  private say(): void {
    this.unsaid = !this.hooks.say(this.wantUnmuted);
  }
}
