import type { View } from '../page/view';

/** Two regions by turns, so that the same words said twice are read twice. */
export function LiveRegion({ view }: { view: View }) {
  const { text, id } = view.spoken;
  return (
    <>
      <div class="cl-sr" role="status" aria-live="polite" data-testid="live">{id % 2 === 0 ? text : ''}</div>
      <div class="cl-sr" role="status" aria-live="polite" data-testid="live">{id % 2 === 1 ? text : ''}</div>
    </>
  );
}
