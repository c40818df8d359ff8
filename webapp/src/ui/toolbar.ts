/** Keys inside a row of buttons: arrows move, Home and End go to the ends. */
export function moveFocus(event: KeyboardEvent, bar: HTMLElement | null): void {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: 0, End: 0 }[event.key];
  const target = event.target as HTMLElement;
  if (!bar || step === undefined || target.closest('[role="menu"], input, textarea')) {
    return;
  }
  const buttons = [...bar.querySelectorAll<HTMLElement>('button')].filter((b) => b.offsetParent !== null);
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  const rtl = getComputedStyle(bar).direction === 'rtl' ? -1 : 1;
  const next = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : (at + step * rtl + buttons.length) % buttons.length;
  buttons[next]?.focus();
  event.preventDefault();
}
