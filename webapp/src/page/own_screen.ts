/** Our own shared screen: asking what to share, giving it to the call, and what the encoder is to keep of it. */
import type { CallsClient } from '../engine/client';
import { CallsError } from '../engine/errors';
import type { ViewBox } from './view_box';
import type { View } from './view';

export class OwnScreen {
  private capture: MediaStream | null = null;

  constructor(
    private readonly box: ViewBox,
    private readonly ask: (sound: boolean) => Promise<MediaStream>,
    /** Does something with the call, and says why not when that fails. */
    private readonly tell: (action: () => Promise<void>) => Promise<void>,
  ) {}

  /** Begins or ends a share; with a stream that was captured elsewhere, or after asking for one. */
  async toggle(client: CallsClient, stream?: MediaStream): Promise<void> {
    const { view } = this.box;
    if (view.sharing) {
      await client.unshareScreen();
      return;
    }
    const holder = client.state.participants.get(client.state.screenSessionID);
    if (holder && !stream) {
      this.box.set({ error: new CallsError('screen_refused', holder.userID) }); // before the browser asks what to share, and not after
      return;
    }
    let capture = stream;
    try {
      capture ??= await this.ask(view.settings.shareSound);
    } catch {
      return; // the person thought better of it, and knows
    }
    const chosen = capture;
    hint(chosen, this.box.view.shareMode);
    await this.tell(() => client.shareScreen(chosen));
  }

  /** Chooses between sharp text and smooth motion, also while sharing. */
  setMode(shareMode: View['shareMode']): void {
    this.box.set({ shareMode });
    if (this.capture) {
      hint(this.capture, shareMode);
    }
  }

  /** The call has it now, or has it no more. */
  captured(capture: MediaStream | null): void {
    this.capture = capture;
    this.box.set({ sharing: capture !== null });
  }
}

/** Tells the encoder what to keep when the line is thin. */
function hint(stream: MediaStream, mode: View['shareMode']): void {
  for (const track of stream.getVideoTracks()) {
    track.contentHint = mode;
  }
}
