/**
 * Tokens of our own, derived from the host's theme: its colours are not legible everywhere, so each is moved towards black or white until it reaches its
 * contrast. Where the host has no theme, as on the call page alone, the values of the style sheet stay.
 */

export type Colour = readonly [red: number, green: number, blue: number];

/** How a token comes about: from which variable, against what it must stand out, and by how much. */
export function derive(theme: Readonly<Record<string, Colour>>): Record<string, Colour> {
  const bg = theme['center-channel-bg'] ?? white;
  const text: Colour = theme['center-channel-color'] ?? [63, 67, 80];
  const link = theme['link-color'] ?? theme['button-bg'] ?? [28, 88, 217];
  const button = theme['button-bg'] ?? [28, 88, 217];
  const onButton = theme['button-color'] ?? white;
  const live = theme['online-indicator'] ?? [61, 184, 135];
  const danger = theme['error-text'] ?? [210, 75, 78];
  const warning = theme['away-indicator'] ?? [255, 188, 31];
  const stage = stageOf(theme['sidebar-bg'] ?? [30, 50, 92]);
  const away = isDark(bg) ? white : black;
  // A little more than the 4.5 that is asked for, as the browser mixes and rounds a tint in its own way.
  const tinted = (colour: Colour, tint: Colour, part: number) => reach(colour, mix(bg, tint, part), 4.6, away);
  const primary = reach(button, onButton, 4.5, luminance(onButton) > 0.18 ? black : white);
  const liveMark = reach(live, bg, 3, away);
  const dangerFill = reach(danger, white, 4.5, black);
  return {
    bg, text,
    primary,
    'primary-text': onButton,
    // Links stand on quiet buttons, and on the widget's head.
    link: reach(tinted(link, primary, 0.1), mix(bg, text, 0.08), 4.6, away),
    live: liveMark,
    'live-text': tinted(live, liveMark, 0.18),
    danger: dangerFill,
    'danger-text': tinted(danger, dangerFill, 0.14),
    'warning-text': tinted(warning, warning, 0.16),
    warning, stage,
    // The ground behind cards, on pages that are ours alone.
    page: away === black ? mix(bg, text, 0.08) : mix(bg, black, 0.35),
    tile: mix(stage, white, 0.07),
    raised: mix(stage, white, 0.12),
  };
}

const black: Colour = [0, 0, 0];
const white: Colour = [255, 255, 255];

export function contrast(a: Colour, b: Colour): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Moves a colour towards another until it stands out enough, or is that other. */
function reach(colour: Colour, against: Colour, ratio: number, towards: Colour): Colour {
  for (let part = 0; part <= 1; part += 0.02) {
    const moved = mix(colour, towards, part);
    if (contrast(moved, against) >= ratio) {
      return moved;
    }
  }
  return towards;
}

export function mix(a: Colour, b: Colour, part: number): Colour {
  return a.map((channel, i) => Math.round(channel + ((b[i] ?? 0) - channel) * part)) as unknown as Colour;
}

function luminance(colour: Colour): number {
  const [r = 0, g = 0, b = 0] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The dark ground of the call, of the sidebar's hue: muted, and dark enough for white to read well on it whatever the theme. */
function stageOf(sidebar: Colour): Colour {
  const [hue, saturation, lightness] = toHSL(sidebar);
  return fromHSL(hue, Math.min(saturation, 0.42), Math.min(lightness, 0.125));
}

function toHSL([red, green, blue]: Colour): [number, number, number] {
  const [r, g, b] = [red / 255, green / 255, blue / 255];
  const [max, min] = [Math.max(r, g, b), Math.min(r, g, b)];
  const [l, d] = [(max + min) / 2, max - min];
  if (d === 0) {
    return [0, 0, l];
  }
  const s = d / (1 - Math.abs(2 * l - 1));
  const h = max === r ? ((g - b) / d + 6) % 6 : max === g ? (b - r) / d + 2 : (r - g) / d + 4;
  return [h, s, l];
}

function fromHSL(h: number, s: number, l: number): Colour {
  const c = (1 - Math.abs(2 * l - 1)) * s;
  const x = c * (1 - Math.abs((h % 2) - 1));
  const [r, g, b] = [[c, x, 0], [x, c, 0], [0, c, x], [0, x, c], [x, 0, c], [c, 0, x]][Math.floor(h) % 6] ?? [0, 0, 0];
  return [r, g, b].map((part) => Math.round(((part ?? 0) + l - c / 2) * 255)) as unknown as Colour;
}

/** Reads "#abc", "#aabbcc", "rgb(1, 2, 3)" and "1, 2, 3". */
export function parseColour(text: string): Colour | null {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1];
  if (hex) {
    const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex;
    return [0, 2, 4].map((at) => Number.parseInt(full.slice(at, at + 2), 16)) as unknown as Colour;
  }
  const parts = text.match(/\d+/g)?.slice(0, 3).map(Number);
  return parts?.length === 3 ? (parts as unknown as Colour) : null;
}

const names = ['center-channel-bg', 'center-channel-color', 'link-color', 'button-bg', 'button-color', 'online-indicator', 'error-text', 'away-indicator', 'sidebar-bg'];

/** Whether a page with these variables is a dark one. */
export function isDark(background: Colour): boolean {
  return luminance(background) <= 0.18;
}

/** Sets variables of a theme at the root of this page, as the host does on its own. */
export function paint(variables: Readonly<Record<string, Colour>>): void {
  for (const [name, colour] of Object.entries(variables)) {
    document.documentElement.style.setProperty(`--${name}`, `rgb(${colour.join(', ')})`);
  }
}

/**
 * Computes the tokens from the root's variables now and at each change; gives the function that ends it. On a page that is ours alone, `ours`, the browser's own
 * parts follow, and what the style sheet has for want of a theme is switched off.
 */
export function watchTheme(from: Document = document, ours = false): () => void {
  let last = '';
  const update = () => {
    const style = getComputedStyle(from.documentElement);
    const read = names.map((name) => style.getPropertyValue(`--${name}`).trim());
    if (read.join() === last || read[0] === '') {
      return;
    }
    last = read.join();
    const theme = Object.fromEntries(names.flatMap((name, i) => {
      const colour = parseColour(read[i] ?? '');
      return colour ? [[name, colour] as const] : [];
    }));
    if (ours) {
      document.documentElement.dataset.theme = 'host';
      document.documentElement.style.colorScheme = isDark(theme['center-channel-bg'] ?? white) ? 'dark' : 'light';
    }
    for (const [name, colour] of Object.entries(derive(theme))) {
      document.documentElement.style.setProperty(`--calls-${name}`, `rgb(${colour.join(', ')})`);
      document.documentElement.style.setProperty(`--calls-${name}-rgb`, colour.join(', '));
    }
  };
  update();
  const watcher = new MutationObserver(update);
  watcher.observe(from.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  return () => watcher.disconnect();
}
