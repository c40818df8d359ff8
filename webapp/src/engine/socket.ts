/** The host's WebSocket as a call sees it: sequence numbers, the hello, and coming back after a loss (protocol 6.3). */
import { Emitter } from './emitter';
import type { Env, Socket, TimerID } from './env';
import { type ClientMessage, decodeFrame, encodeFrame, type ServerFrame } from './frames';

export const firstRetryMs = 1000;
export const retryStepMs = 500;
export const retryWindowMs = 30_000;

const open = 1; // WebSocket.OPEN

interface SocketEvents {
  /** The host has told our connection id: for the first time, or another one after a loss. */
  hello: { connID: string };
  /** The socket is back after a loss. The hello, if any, comes later. */
  reopened: { prevConnID: string };
  /** The socket is lost; attempts to reopen it follow. */
  lost: undefined;
  /** Events may be missing between the last one and the next. */
  gap: undefined;
  frame: ServerFrame;
  /** There is no socket any more: it could not be opened, or not be reopened in time. */
  failed: undefined;
}

export class CallSocket extends Emitter<SocketEvents> {
  private socket: Socket | null = null;
  private connID = '';
  private nextSeq = 1;
  private serverSeq = 0;
  private retryMs = firstRetryMs;
  private lostAt: number | null = null;
  private retryTimer: TimerID | null = null;
  private closed = false;

  /** `url` is the endpoint without its query. */
  constructor(
    private readonly env: Pick<Env, 'makeSocket' | 'timers'>,
    private readonly url: string,
  ) {
    super();
  }

  /** Opens the socket. Before the first hello a loss is a failure: there is nothing to come back to. */
  connect(): void {
    const query = new URLSearchParams({ connection_id: this.connID, sequence_number: String(this.serverSeq) });
    let socket: Socket;
    try {
      socket = this.env.makeSocket(`${this.url}?${query}`);
    } catch {
      this.onLost();
      return;
    }
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.onOpen();
    socket.onmessage = (event) => this.onMessage(event.data);
    socket.onclose = () => this.onLost();
    this.socket = socket;
  }

  /** Sends a message, or says false when the socket is not open. */
  send(message: ClientMessage): boolean {
    if (this.socket?.readyState !== open) {
      return false;
    }
    this.socket.send(encodeFrame(message, this.nextSeq++));
    return true;
  }

  close(): void {
    this.closed = true;
    if (this.retryTimer !== null) {
      this.env.timers.clear(this.retryTimer);
    }
    if (this.socket) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
      this.socket = null;
    }
  }

  private onOpen(): void {
    if (this.lostAt === null) {
      return;
    }
    this.lostAt = null;
    this.retryMs = firstRetryMs;
    this.emit('reopened', { prevConnID: this.connID });
  }

  private onMessage(data: unknown): void {
    const frame = typeof data === 'string' ? decodeFrame(data) : null;
    if (!frame) {
      return;
    }
    if (frame.name === 'hello') {
      this.onHello(frame);
      return;
    }
    const gap = frame.seq !== this.serverSeq;
    this.serverSeq = frame.seq + 1;
    if (gap) {
      this.emit('gap', undefined);
    }
    this.emit('frame', frame);
  }

  private onHello(frame: ServerFrame): void {
    const id = frame.data.connection_id;
    this.serverSeq = frame.seq + 1;
    if (typeof id !== 'string' || id === '' || id === this.connID) {
      return;
    }
    // Another id means that the host has thrown away what it had for us.
    const again = this.connID !== '';
    this.connID = id;
    this.emit('hello', { connID: id });
    if (again) {
      this.emit('gap', undefined);
    }
  }

  private onLost(): void {
    this.socket = null;
    if (this.closed) {
      return;
    }
    const now = this.env.timers.now();
    const first = this.lostAt === null;
    this.lostAt ??= now;
    if (this.connID === '' || now - this.lostAt >= retryWindowMs) {
      this.closed = true;
      this.emit('failed', undefined);
      return;
    }
    if (first) {
      this.emit('lost', undefined);
    }
    this.retryTimer = this.env.timers.set(() => this.connect(), this.retryMs);
    this.retryMs += retryStepMs;
  }
}
