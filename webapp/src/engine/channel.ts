/** The data channel: it must be open for the server to take us as connected, and it tells the round-trip time. */
import type { Env, TimerID } from './env';
import { decodeUint } from './msgpack';

/** The label tells the server which kind of client we are (protocol 7.2). */
export const channelLabel = 'calls-dc';
export const pingEveryMs = 1000;

const ping = Uint8Array.of(1);
const pong = 2;

type Channel = Pick<RTCDataChannel, 'binaryType' | 'readyState' | 'onopen' | 'onclose' | 'onmessage'> & { send(data: Uint8Array<ArrayBuffer>): void };

export interface ChannelHooks {
  open(): void;
  closed(): void;
  roundTrip(ms: number): void;
}

export class Pinger {
  private timer: TimerID | null = null;
  private sentAt: number | null = null;

  constructor(
    private readonly channel: Channel,
    private readonly timers: Env['timers'],
    private readonly hooks: ChannelHooks,
  ) {
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => {
      this.tick();
      hooks.open();
    };
    channel.onclose = () => {
      this.close();
      hooks.closed();
    };
    channel.onmessage = (event) => this.onMessage(event.data);
  }

  close(): void {
    if (this.timer !== null) {
      this.timers.clear(this.timer);
      this.timer = null;
    }
    this.channel.onopen = this.channel.onclose = this.channel.onmessage = null;
  }

  private tick(): void {
    if (this.channel.readyState === 'open') {
      // One ping at a time is measured: when the answer is late, the later ones must not make it look early.
      this.sentAt ??= this.timers.now();
      this.channel.send(ping);
    }
    this.timer = this.timers.set(() => this.tick(), pingEveryMs);
  }

  private onMessage(data: unknown): void {
    if (data instanceof ArrayBuffer && decodeUint(new Uint8Array(data)) === pong && this.sentAt !== null) {
      this.hooks.roundTrip(this.timers.now() - this.sentAt);
      this.sentAt = null;
    }
  }
}
