/** In a window as narrow as a phone's the widget lies below the host's page instead of over it, so that it covers nothing, the field for messages least of all. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

/** As in the styles. */
const narrow = '(max-width: 600px)';

/** Whether the window is so narrow that the widget is docked. */
export function useDocked(): boolean {
  const [docked, setDocked] = useState(isDocked);
  useEffect(() => {
    const query = window.matchMedia(narrow);
    const look = () => setDocked(query.matches);
    look();
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return docked;
}

export function isDocked(): boolean {
  return window.matchMedia(narrow).matches;
}

/** Takes as much room from the host's page as the docked element is high. */
export function useDock(box: { readonly current: HTMLElement | null }, docked: boolean): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (!docked || !element) {
      return;
    }
    const { classList, style } = document.documentElement;
    const look = () => style.setProperty('--calls-dock', `${element.offsetHeight}px`);
    look();
    classList.add('calls-docked');
    const watcher = new ResizeObserver(look);
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      classList.remove('calls-docked');
      style.removeProperty('--calls-dock');
    };
  }, [box, docked]);
}
