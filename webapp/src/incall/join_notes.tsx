/** Who just came, above the widget for some seconds. Screen readers are told by the live region. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { listNames, t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';

const shownMs = 5000;
/** In calls of more people the coming and going is no news; as with what is read out. */
const quietAbove = 12;

export function JoinNotes({ store, view }: { store: CallStore; view: View }) {
  const came = useComings(view);
  return came.length === 0 ? null : <p class="cl-join-note" aria-hidden="true" data-testid="join-note">{t('widget.joined', { names: listNames(came.map(store.nameOf)) })}</p>;
}

/** The users who came in the last seconds, while we were in. */
function useComings(view: View): readonly string[] {
  const [came, setCame] = useState<readonly string[]>([]);
  const before = useRef(view.call.participants);
  useEffect(() => {
    const known = before.current;
    before.current = view.call.participants;
    const others = [...view.call.participants.values()].filter((p) => p.sessionID !== view.selfID && !known.has(p.sessionID));
    if (known.has(view.selfID) && others.length > 0 && view.call.participants.size <= quietAbove) {
      setCame((now) => [...new Set([...now, ...others.map((p) => p.userID)])]);
    }
  }, [view.call.participants, view.selfID]);
  useEffect(() => {
    if (came.length > 0) {
      const timer = setTimeout(() => setCame([]), shownMs);
      return () => clearTimeout(timer);
    }
  }, [came]);
  return came;
}
