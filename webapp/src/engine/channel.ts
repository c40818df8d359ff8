/** The data channel: it must be open for the server to take us as connected, and it tells the round-trip time. */
import type { Env, TimerID } from './env';
import { decode, decodeUint } from './msgpack';

/** The label tells the server which kind of client we are (protocol 7.2). */
export const channelLabel = 'calls-dc';
export const pingEveryMs = 1000;

const ping = Uint8Array.of(1);
const unlock = Uint8Array.of(8);
const pong = 2;
const mediaMap = 9;

type Channel = Pick<RTCDataChannel, 'binaryType' | 'readyState' | 'onopen' | 'onclose' | 'onmessage'> & { send(data: Uint8Array<ArrayBuffer>): void };

export interface ChannelHooks {
  open(): void;
  closed(): void;
  roundTrip(ms: number): void;
  /** Which session's media each line of the description carries from now on. */
  mediaMap(senders: ReadonlyMap<string, string>): void;
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
      this.unlock();
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

  /**
   * Says that we are about to offer nothing. The server need not wait for that then, as it does with clients whose connection an offer of its own could end,
   * and we hear the call at once. The browser takes an offer of ours back, should it meet the server's after all.
   */
  unlock(): void {
    if (this.channel.readyState === 'open') {
      this.channel.send(unlock);
    }
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
    if (!(data instanceof ArrayBuffer)) {
      return;
    }
    const bytes = new Uint8Array(data);
    const type = decodeUint(bytes);
    if (type === pong && this.sentAt !== null) {
      this.hooks.roundTrip(this.timers.now() - this.sentAt);
      this.sentAt = null;
    } else if (type === mediaMap) {
      this.hooks.mediaMap(sendersOf(bytes));
    }
  }
}

/** The message's one value is a map from a line's mid to `{type, sender_id}`; what has another shape tells nothing. */
function sendersOf(bytes: Uint8Array): Map<string, string> {
  const [, map] = decode(bytes);
  const senders = new Map<string, string>();
  if (map instanceof Map) {
    for (const [mid, entry] of map) {
      const sender = entry instanceof Map ? entry.get('sender_id') : undefined;
      if (typeof sender === 'string') {
        senders.set(String(mid), sender);
      }
    }
  }
  return senders;
}
