/** The microphone as this page holds it: opened, exchanged, taken away by the system, listened to for a voice while muted. */
import { asCallsError } from '../engine/errors';
import type { Settings } from './settings';
import type { Surroundings } from './surroundings';
import type { Microphone } from './view';

export interface MicrophoneHooks {
  settings(): Settings;
  /** There is a voice in it. */
  voice(): void;
  /** The system took it away. */
  lost(): void;
}

export class OwnMicrophone {
  private current: MediaStreamTrack | null = null;
  private unwatch: (() => void) | null = null;
  /** Counts openings and releases: a browser may ask the person for long, and what it then gives may be wanted no more. */
  private turn = 0;

  constructor(
    private readonly around: Pick<Surroundings, 'openMicrophone' | 'watchLevel'>,
    private readonly hooks: MicrophoneHooks,
  ) {}

  get track(): MediaStreamTrack | null {
    return this.current;
  }

  /** Opens one as the settings say, in place of the one before, which goes on until its owner stops it. */
  async open(): Promise<Microphone> {
    const turn = ++this.turn;
    try {
      const track = await this.around.openMicrophone(this.hooks.settings());
      if (turn !== this.turn) {
        track.stop(); // nobody would ever, and the browser would show that we listen
        return this.current ? 'open' : 'none';
      }
      this.hold(track);
      track.onended = () => {
        if (this.current === track) {
          this.hold(null);
          this.hooks.lost();
        }
      };
      return 'open';
    } catch (error) {
      if (turn === this.turn) {
        this.hold(null);
      }
      const { detail } = asCallsError(error, 'no_microphone');
      return detail === 'blocked' || detail === 'insecure' ? detail : 'none';
    }
  }

  /** Holds it no longer, and gives it to the caller to stop it when nobody sends it any more. */
  release(): MediaStreamTrack | null {
    this.turn++;
    const track = this.current;
    this.hold(null);
    return track;
  }

  private hold(track: MediaStreamTrack | null): void {
    this.unwatch?.();
    this.current = track;
    this.unwatch = track ? this.around.watchLevel(track, this.hooks.voice) : null;
  }
}
