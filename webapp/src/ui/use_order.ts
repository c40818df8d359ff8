import { useRef } from 'preact/hooks';

import type { Participant } from '../engine/state';
import type { CallStore } from '../page/call_store';
import { type Order, reorder } from '../page/order';
import type { View } from '../page/view';

/** The people in their order, which is kept from one drawing to the next as long as nothing changes it, or while it is held. */
export function useOrder(store: CallStore, view: View, held = false): readonly Participant[] {
  const kept = useRef<Order | null>(null);
  kept.current = reorder(kept.current, view.call, view.names, store.nameOf, held);
  return kept.current.people;
}
