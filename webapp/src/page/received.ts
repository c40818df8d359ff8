/** What others send us, as the view lists it: their voices and screens, and the reactions that are shown for a moment. */
import type { Timers } from '../engine/env';
import type { Reaction } from '../engine/events';
import type { Incoming } from './view';
import type { ViewBox } from './view_box';

const reactionMs = 4000;
/** Reactions shown at once; a crowd's applause must not grow without bound. */
const mostReactions = 40;

export class Received {
  private reactionID = 0;

  constructor(
    private readonly box: ViewBox,
    private readonly timers: Timers,
  ) {}

  reaction(reaction: Reaction): void {
    const shown = { ...reaction, id: ++this.reactionID };
    const others = this.box.view.reactions.filter((r) => r.sessionID !== reaction.sessionID);
    this.box.set({ reactions: [...others, shown].slice(-mostReactions) });
    this.timers.set(() => this.box.set({ reactions: this.box.view.reactions.filter((r) => r.id !== shown.id) }), reactionMs);
  }

  track(incoming: Incoming): void {
    const list = incoming.track.kind === 'audio' ? 'voices' : 'screens';
    const without = (track: MediaStreamTrack) => this.box.view[list].filter((other) => other.track !== track);
    this.box.set({ [list]: [...without(incoming.track), incoming] });
    const gone = () => {
      const now = this.box.view[list].find((other) => other.track === incoming.track);
      if (now?.stream === incoming.stream) {
        this.box.set({ [list]: without(incoming.track) });
      }
    };
    incoming.track.addEventListener('ended', gone);
    incoming.stream.addEventListener('removetrack', (event) => {
      if (event.track === incoming.track) {
        gone();
      }
    });
  }
}
