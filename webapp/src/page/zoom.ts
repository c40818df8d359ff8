/** Zooming and moving a picture in its frame: the arithmetic. Zooms are factors of the picture's real size. Pure. */
const steps = [0.25, 0.33, 0.5, 0.67, 0.75, 1, 1.25, 1.5, 2, 3, 4];

/** The next step up or down from any zoom; at the ends it stays. */
export function nextZoom(now: number, by: 1 | -1): number {
  const next = by > 0 ? steps.find((s) => s > now + 0.01) : steps.findLast((s) => s < now - 0.01);
  return next ?? (by > 0 ? (steps.at(-1) ?? 1) : (steps[0] ?? 1));
}

/** A zoom between the steps, as fingers make it, within the same ends. */
export function clampZoom(zoom: number): number {
  return Math.min(steps.at(-1) ?? 1, Math.max(steps[0] ?? 1, zoom));
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** At which zoom a picture just has room; 1 while either is unknown. */
export function fitZoom(frame: { clientWidth: number; clientHeight: number } | null, picture: Size | null): number {
  if (!frame || !picture || picture.width === 0 || picture.height === 0) {
    return 1;
  }
  return Math.min(frame.clientWidth / picture.width, frame.clientHeight / picture.height);
}

/**
 * Where to scroll along one side, so that what lies at `focus` in the frame is still there when the picture has grown from one length to another. A picture that
 * is shorter than its frame stands in the middle of it.
 */
export function scrollAfter(scroll: number, focus: number, room: number, before: number, after: number): number {
  const inset = (length: number) => Math.max(0, (room - length) / 2);
  const part = (scroll + focus - inset(before)) / before;
  return Math.max(0, Math.min(after - room, part * after + inset(after) - focus));
}

/** What two fingers did between two moments: how much farther apart they are, where, and how far both went together. */
export function pinch(before: readonly [Point, Point], after: readonly [Point, Point]): { factor: number; focus: Point; by: Point } {
  const apart = ([a, b]: readonly [Point, Point]) => Math.hypot(a.x - b.x, a.y - b.y);
  const middle = ([a, b]: readonly [Point, Point]): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const [from, to] = [middle(before), middle(after)];
  return { factor: apart(before) > 0 ? apart(after) / apart(before) : 1, focus: to, by: { x: to.x - from.x, y: to.y - from.y } };
}

/** Which part of the picture the frame shows, in percent of the picture; null when it shows all of it. */
export function partShown(frame: { scrollLeft: number; scrollTop: number; clientWidth: number; clientHeight: number }, picture: Size, zoom: number): { left: number; top: number; width: number; height: number } | null {
  const [width, height] = [picture.width * zoom, picture.height * zoom];
  if (frame.clientWidth >= width && frame.clientHeight >= height) {
    return null;
  }
  const percent = (part: number, whole: number) => Math.min(100, (part / whole) * 100);
  return {
    left: percent(frame.scrollLeft, width), top: percent(frame.scrollTop, height),
    width: percent(frame.clientWidth, width), height: percent(frame.clientHeight, height),
  };
}
