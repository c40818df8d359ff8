/** How far a participation has come, from the two lines that it needs: the socket to the host, and the media connection. */
import type { CallsError, EndReason } from './errors';

export type Status =
  | { phase: 'idle' | 'connecting' | 'joining' | 'negotiating' | 'connected' | 'reconnecting' }
  | { phase: 'ended'; reason: EndReason; error?: CallsError };

export class Progress {
  private current: Status = { phase: 'idle' };
  private socketUp = false;
  private mediaUp = false;
  private everConnected = false;

  constructor(private readonly changed: (status: Status) => void) {}

  get status(): Status {
    return this.current;
  }

  /** Media have flowed once. From then on it is the two lines that say how it is. */
  get wasConnected(): boolean {
    return this.everConnected;
  }

  get ended(): boolean {
    return this.current.phase === 'ended';
  }

  to(status: Status): void {
    if (status.phase !== this.current.phase) {
      this.current = status;
      this.changed(status);
    }
  }

  socket(up: boolean): void {
    this.socketUp = up;
    this.update();
  }

  media(up: boolean): void {
    this.mediaUp = up;
    this.everConnected ||= up;
    this.update();
  }

  private update(): void {
    if (!this.ended && this.everConnected) {
      this.to({ phase: this.socketUp && this.mediaUp ? 'connected' : 'reconnecting' });
    }
  }
}
