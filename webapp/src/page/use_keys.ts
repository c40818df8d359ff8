import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import type { CallStore } from './call_store';
import { type Action, actionOf, isTyping } from './shortcuts';

/** The keys of a call. `more` is what only the view that listens can do; what it does not name does nothing there. */
export function useKeys(store: CallStore, more: Partial<Record<Action, () => void>>, single = true): void {
  // Not in the effect below, which begins anew at each drawing: opening the microphone draws, and the key that goes up must still find it open.
  const talking = useRef(false);
  const stop = () => {
    if (talking.current) {
      talking.current = false;
      void store.setUnmuted(false);
    }
  };
  // A view that goes hears no key go up either.
  useEffect(() => stop, [store]);
  useLayoutEffect(() => {
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
        if (pushToTalk && !talking.current && !event.repeat && store.muted) {
          talking.current = true;
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
      if (event.key === ' ') {
        stop();
      }
    };
    window.addEventListener('keydown', down, true);
    window.addEventListener('keyup', up, true);
    // A window that loses the focus hears no key go up, and the microphone must not stay open.
    window.addEventListener('blur', stop);
    return () => {
      window.removeEventListener('keydown', down, true);
      window.removeEventListener('keyup', up, true);
      window.removeEventListener('blur', stop);
    };
  });
}
