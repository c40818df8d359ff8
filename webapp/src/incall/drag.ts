/** Moving the widget by its head, with the pointer or with the arrow keys; it stays inside the window, and where it was left. */
import { useLayoutEffect, useRef } from 'preact/hooks';

const key = 'calls_widget_place';
const step = 16;
const margin = 8;

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Where it is docked it stays, and goes back to its place when the window is wide again. */
export function useDrag(docked: boolean) {
  const box = useRef<HTMLElement>(null);
  const place = useRef<Place | null>(null);
  const put = (wanted: Place | null) => {
    const element = box.current;
    if (!element || !wanted) {
      return;
    }
    if (docked) {
      for (const side of ['inset-inline-start', 'left', 'bottom']) {
        element.style.removeProperty(side);
      }
      place.current = wanted;
      return;
    }
    place.current = inside(wanted, element, window);
    element.style.insetInlineStart = 'auto';
    element.style.left = `${place.current.x}px`;
    element.style.bottom = `${place.current.y}px`;
  };
  useLayoutEffect(() => {
    put(place.current ?? read());
    const resized = () => put(place.current);
    window.addEventListener('resize', resized);
    return () => window.removeEventListener('resize', resized);
  }, [docked]);
  const now = (): Place => {
    const rect = box.current?.getBoundingClientRect();
    return rect ? { x: rect.left, y: window.innerHeight - rect.bottom } : { x: margin, y: margin };
  };
  const save = () => write(place.current);
  const onPointerDown = (event: PointerEvent) => {
    if (docked || event.button !== 0 || (event.target as HTMLElement).closest('button')) {
      return;
    }
    const head = event.currentTarget as HTMLElement;
    const from = now();
    const begin = { x: event.clientX, y: event.clientY };
    head.setPointerCapture(event.pointerId);
    const move = (to: PointerEvent) => put({ x: from.x + to.clientX - begin.x, y: from.y - (to.clientY - begin.y) });
    const end = () => {
      head.removeEventListener('pointermove', move);
      save();
    };
    head.addEventListener('pointermove', move);
    head.addEventListener('pointerup', end, { once: true });
    head.addEventListener('pointercancel', end, { once: true });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (by && !docked && event.target === event.currentTarget) {
      const from = now();
      put({ x: from.x + (by[0] ?? 0), y: from.y + (by[1] ?? 0) });
      save();
      event.preventDefault();
    }
  };
  const movable = docked ? {} : { tabIndex: 0, 'aria-keyshortcuts': 'ArrowLeft ArrowRight ArrowUp ArrowDown' };
  return { box, head: { onPointerDown, onKeyDown, ...movable } };
}

/** The nearest place to the wanted one at which all of the widget is seen. */
export function inside(wanted: Place, size: { offsetWidth: number; offsetHeight: number }, room: { innerWidth: number; innerHeight: number }): Place {
  const most = (all: number, own: number) => Math.max(margin, all - own - margin);
  return {
    x: Math.min(Math.max(margin, wanted.x), most(room.innerWidth, size.offsetWidth)),
    y: Math.min(Math.max(margin, wanted.y), most(room.innerHeight, size.offsetHeight)),
  };
}

function read(): Place | null {
  try {
    const raw = JSON.parse(window.localStorage.getItem(key) ?? 'null');
    return typeof raw?.x === 'number' && typeof raw?.y === 'number' ? { x: raw.x, y: raw.y } : null;
  } catch {
    return null;
  }
}

function write(place: Place | null): void {
  try {
    window.localStorage.setItem(key, JSON.stringify(place));
  } catch {
    // It is then where it always is at first.
  }
}
