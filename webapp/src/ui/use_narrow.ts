import { useEffect, useState } from 'preact/hooks';

const query = '(max-width: 600px)';

/** Whether the window is as narrow as a phone: what has no room goes behind "More". */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => window.matchMedia?.(query).matches ?? false);
  useEffect(() => {
    const media = window.matchMedia?.(query);
    const change = () => setNarrow(media?.matches ?? false);
    media?.addEventListener?.('change', change);
    return () => media?.removeEventListener?.('change', change);
  }, []);
  return narrow;
}
