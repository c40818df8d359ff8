import { useEffect, useState } from 'preact/hooks';

import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';

/** The store's view, drawn again at each change. */
export function useView(store: CallStore): View {
  const [view, setView] = useState(store.view);
  useEffect(() => {
    setView(store.view);
    return store.subscribe(setView);
  }, [store]);
  return view;
}

/** The time of now, every so many milliseconds. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
