import { useLayoutEffect, useState } from 'preact/hooks';

/** So wide must the call's part of the window be for all its buttons to stand in one row. */
const wholeBar = 864;

/** Whether an element is too narrow for the whole bar: what has no room then goes behind "More". */
export function useNarrow(box: { readonly current: HTMLElement | null }): boolean {
  const [narrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    const look = () => setNarrow((box.current?.clientWidth ?? wholeBar) < wholeBar);
    look();
    const watcher = new ResizeObserver(look);
    if (box.current) {
      watcher.observe(box.current);
    }
    return () => watcher.disconnect();
  }, [box]);
  return narrow;
}
