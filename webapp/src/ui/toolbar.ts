/** A row of buttons that is one stop of the Tab key: arrows move inside it, Home and End go to the ends, and Tab comes back to where one was. */
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Bar {
  readonly current: HTMLElement | null;
}

export function useToolbar(bar: Bar): { onKeyDown(event: KeyboardEvent): void; onFocusIn(): void } {
  const stop = useRef<HTMLElement | null>(null);
  const rove = () => {
    const buttons = buttonsOf(bar.current);
    const focused = buttons.find((b) => b === document.activeElement);
    stop.current = focused ?? (stop.current && buttons.includes(stop.current) ? stop.current : (buttons[0] ?? null));
    for (const button of buttons) {
      button.tabIndex = button === stop.current ? 0 : -1;
    }
  };
  useLayoutEffect(rove); // buttons come and go with what the call is
  return { onKeyDown: (event) => moveFocus(event, bar.current), onFocusIn: rove };
}

function moveFocus(event: KeyboardEvent, bar: HTMLElement | null): void {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: 0, End: 0 }[event.key];
  const target = event.target as HTMLElement;
  if (!bar || step === undefined || target.closest('[role="menu"], input, textarea')) {
    return;
  }
  const buttons = buttonsOf(bar);
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  const rtl = getComputedStyle(bar).direction === 'rtl' ? -1 : 1;
  const next = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : (at + step * rtl + buttons.length) % buttons.length;
  buttons[next]?.focus();
  event.preventDefault();
}

function buttonsOf(bar: HTMLElement | null): HTMLElement[] {
  return [...(bar?.querySelectorAll<HTMLElement>('button') ?? [])].filter((b) => b.offsetParent !== null);
}
