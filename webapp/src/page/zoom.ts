/** The steps of the zoom, as factors of the real size. Pure. */
const steps = [0.25, 0.33, 0.5, 0.67, 0.75, 1, 1.25, 1.5, 2, 3, 4];

/** The next step up or down from any zoom; at the ends it stays. */
export function nextZoom(now: number, by: 1 | -1): number {
  const next = by > 0 ? steps.find((s) => s > now + 0.01) : steps.findLast((s) => s < now - 0.01);
  return next ?? (by > 0 ? (steps.at(-1) ?? 1) : (steps[0] ?? 1));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** At which zoom a picture just has room; 1 while either is unknown. */
export function fitZoom(frame: { clientWidth: number; clientHeight: number } | null, picture: Size | null): number {
  if (!frame || !picture || picture.width === 0 || picture.height === 0) {
    return 1;
  }
  return Math.min(frame.clientWidth / picture.width, frame.clientHeight / picture.height);
}
