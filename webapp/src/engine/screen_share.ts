/** Our own shared screen: what is captured, what the server is told of it, and its end, whoever brings it about. */
import { CallsError } from './errors';
import type { Peer } from './peer';

export interface ShareHooks {
  /** Tells the server; false while there is no socket. */
  on(screenStreamID: string): boolean;
  off(): void;
  changed(capture: MediaStream | null): void;
}

export class ScreenShare {
  private capture: MediaStream | null = null;
  private peer: Peer | null = null;

  constructor(private readonly hooks: ShareHooks) {}

  /** Shares what was captured. `refusal` is why it cannot be, as far as that is known here. */
  async begin(stream: MediaStream, peer: Peer | null, refusal: CallsError | null): Promise<void> {
    const track = stream.getVideoTracks()[0];
    if (!track || !peer) {
      stopAll(stream);
      throw new CallsError('protocol');
    }
    if (refusal) {
      stopAll(stream);
      throw refusal;
    }
    if (!this.hooks.on(peer.screenStreamID)) {
      stopAll(stream);
      throw new CallsError('network');
    }
    this.peer = peer;
    this.set(stream);
    // The browser's own "stop sharing" ends the track without a word to us.
    track.onended = () => void this.end();
    await peer.setScreen(track, stream.getAudioTracks()[0] ?? null);
  }

  async end(): Promise<void> {
    if (this.capture) {
      this.hooks.off();
      await this.drop();
    }
  }

  /** Stops the capture without a word to the server, which knows. */
  async drop(): Promise<void> {
    const stream = this.capture;
    if (stream) {
      this.set(null);
      stopAll(stream);
      await this.peer?.setScreen(null);
    }
  }

  private set(stream: MediaStream | null): void {
    this.capture = stream;
    this.hooks.changed(stream);
  }
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.stop();
  }
}
