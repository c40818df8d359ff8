/** Ctrl F6 goes from one part of the page to the next, Shift back: parts have a class and a number, those of plugins too. In the desktop app it is F6 alone. */

export function listenForRegions(): void {
  document.addEventListener('keydown', (event) => {
    if (event.key === 'F6' && (event.ctrlKey || event.metaKey || 'desktop' in window)) {
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    }
  }, true);
}

function step(by: 1 | -1): void {
  // As in the web app, nothing moves while a dialog or a menu is open.
  if (document.querySelector('.a11y__modal, .a11y__popup')) {
    return;
  }
  const number = (element: HTMLElement) => Number(element.dataset.a11ySortOrder ?? 0);
  const regions = [...document.querySelectorAll<HTMLElement>('.a11y__region')].filter((r) => r.getClientRects().length > 0).sort((a, b) => number(a) - number(b));
  const at = regions.findIndex((r) => r.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : regions.length - 1) : (at + by + regions.length) % regions.length;
  regions[next]?.focus();
}
