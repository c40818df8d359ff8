/** Zoom and place of a picture in a frame that scrolls, by buttons, keys, mouse, trackpad and fingers. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { clampZoom, fitZoom, nextZoom, type Point, pinch, type Size, scrollAfter } from './zoom';

/** In windows up to this width a fitted screen cannot be read, and the picture opens larger. */
const narrow = 600;
const narrowZoom = 0.75;

export interface Zoom {
  /** null: as large as there is room. */
  readonly zoom: number | null;
  readonly fitted: number;
  step(by: 1 | -1): void;
  fit(): void;
  real(): void;
}

export function useZoom(frame: { readonly current: HTMLDivElement | null }, size: Size | null): Zoom {
  const [zoom, setZoom] = useState<number | null>(null);
  // From the zoom of now, not of when this was drawn: two quick presses are two steps.
  const now = useRef<number | null>(null);
  const scale = () => now.current ?? fitZoom(frame.current, size);
  /** Where to scroll once the picture has its new size. */
  const target = useRef<{ left: number; top: number } | null>(null);
  const zoomTo = (next: number | null, focus?: Point) => {
    if (next === now.current) {
      return;
    }
    const box = frame.current;
    if (box && size) {
      const [from, to] = [scale(), next ?? fitZoom(box, size)];
      const at = focus ?? { x: box.clientWidth / 2, y: box.clientHeight / 2 };
      const place = target.current ?? { left: box.scrollLeft, top: box.scrollTop };
      target.current = {
        left: scrollAfter(place.left, at.x, box.clientWidth, size.width * from, size.width * to),
        top: scrollAfter(place.top, at.y, box.clientHeight, size.height * from, size.height * to),
      };
    }
    now.current = next;
    setZoom(next);
  };
  useLayoutEffect(() => {
    if (target.current) {
      frame.current?.scrollTo(target.current);
      target.current = null;
    }
  }, [zoom]);
  const known = size !== null;
  useEffect(() => {
    if (known && window.innerWidth <= narrow && fitZoom(frame.current, size) < narrowZoom) {
      zoomTo(narrowZoom, { x: 0, y: 0 });
    }
  }, [known]);
  const latest = useRef({ zoomTo, scale });
  latest.current = { zoomTo, scale };
  useEffect(() => (frame.current ? listen(frame.current, () => latest.current.zoomTo, () => latest.current.scale()) : undefined), [frame]);
  return {
    zoom, fitted: fitZoom(frame.current, size),
    step: (by) => zoomTo(nextZoom(scale(), by)),
    fit: () => zoomTo(null),
    real: () => zoomTo(1),
  };
}

type ZoomTo = (next: number | null, focus?: Point) => void;

/** How fast a trackpad's pinch, which browsers tell as a turned wheel with Control, zooms. */
const wheelStep = 200;

function listen(box: HTMLDivElement, zoomTo: () => ZoomTo, scale: () => number): () => void {
  const inBox = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = box.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const pointers = new Map<number, Point>();
  const down = (event: PointerEvent) => {
    if (event.pointerType === 'touch' || event.button === 0) {
      pointers.set(event.pointerId, inBox(event));
      box.setPointerCapture(event.pointerId);
    }
  };
  const move = (event: PointerEvent) => {
    const before = [...pointers.values()];
    if (!pointers.has(event.pointerId)) {
      return;
    }
    pointers.set(event.pointerId, inBox(event));
    const after = [...pointers.values()];
    const [a, b] = before;
    const [c, d] = after;
    if (a && b && c && d) {
      const { factor, focus, by } = pinch([a, b], [c, d]);
      box.scrollBy(-by.x, -by.y);
      zoomTo()(clampZoom(scale() * factor), focus);
    } else if (a && c) {
      box.scrollBy(a.x - c.x, a.y - c.y); // as one moves a sheet of paper
    }
  };
  const up = (event: PointerEvent) => void pointers.delete(event.pointerId);
  const wheel = (event: WheelEvent) => {
    if (event.ctrlKey) {
      event.preventDefault(); // else the browser zooms the whole page
      zoomTo()(clampZoom(scale() * Math.exp(-event.deltaY / wheelStep)), inBox(event));
    }
  };
  const twice = (event: MouseEvent) => zoomTo()(scale() < 1 ? 1 : null, inBox(event));
  const handlers = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, wheel, dblclick: twice };
  for (const [name, handler] of Object.entries(handlers)) {
    box.addEventListener(name, handler as EventListener, { passive: false });
  }
  return () => {
    for (const [name, handler] of Object.entries(handlers)) {
      box.removeEventListener(name, handler as EventListener);
    }
  };
}
