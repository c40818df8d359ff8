/** F6 and Shift+F6 go through the regions of the call, in the order in which they stand: banner, stage, people, panel, controls. */
import { useEffect } from 'preact/hooks';

const focusable = 'button:not(:disabled):not([tabindex="-1"]), input:not(:disabled), select, textarea, a[href]';

export function useRegions(box: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const regions = [...(box.current?.querySelectorAll<HTMLElement>('[data-region]') ?? [])].filter((r) => r.offsetHeight > 0);
      if (event.key !== 'F6' || regions.length === 0) {
        return;
      }
      event.preventDefault();
      event.stopPropagation(); // the host would go through regions of its own, which lie under the call
      const at = regions.findLastIndex((r) => r.contains(document.activeElement));
      const step = event.shiftKey ? -1 : 1;
      enter(regions[at < 0 ? (event.shiftKey ? regions.length - 1 : 0) : (at + step + regions.length) % regions.length]);
    };
    window.addEventListener('keydown', down, true);
    return () => window.removeEventListener('keydown', down, true);
  }, [box]);
}

/** Regions of controls give the focus to the first; the stage takes it itself, as single keys work there and on no button. */
function enter(region: HTMLElement | undefined): void {
  const control = region?.dataset.region === 'stage' ? null : region?.querySelector<HTMLElement>(focusable);
  if (region && !control) {
    region.tabIndex = -1;
  }
  (control ?? region)?.focus();
}
