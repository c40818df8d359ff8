import { useLayoutEffect } from 'preact/hooks';

import type { CallStore } from './call_store';
import { type Action, actionOf, isTyping } from './shortcuts';

/** The keys of a call. `more` is what only the view that listens can do; what it does not name does nothing there. */
export function useKeys(store: CallStore, more: Partial<Record<Action, () => void>>, single = true): void {
  useLayoutEffect(() => {
    let talking = false;
    const act: Partial<Record<Action, () => void>> = {
      mute: () => void store.toggleMicrophone(),
      hand: () => store.toggleHand(),
      screen: () => void store.toggleScreen(),
      leave: () => store.leave(),
      ...more,
    };
    const down = (event: KeyboardEvent) => {
      const { pushToTalk, singleKeys } = store.view.settings;
      const action = actionOf(event, single && singleKeys && !isTyping(event.target));
      if (action === 'talk') {
        if (pushToTalk && !talking && !event.repeat) {
          talking = true;
          void store.setUnmuted(true);
        }
        if (pushToTalk) {
          event.preventDefault();
        }
        return;
      }
      const run = action ? act[action] : undefined;
      if (run && !event.repeat) {
        event.preventDefault();
        event.stopPropagation();
        run();
      }
    };
    const up = (event: KeyboardEvent) => {
      if (talking && event.key === ' ') {
        talking = false;
        void store.setUnmuted(false);
      }
    };
    // A window that loses the focus hears no key go up, and the microphone must not stay open.
    const blur = () => {
      if (talking) {
        talking = false;
        void store.setUnmuted(false);
      }
    };
    window.addEventListener('keydown', down, true);
    window.addEventListener('keyup', up, true);
    window.addEventListener('blur', blur);
    return () => {
      window.removeEventListener('keydown', down, true);
      window.removeEventListener('keyup', up, true);
      window.removeEventListener('blur', blur);
    };
  });
}
