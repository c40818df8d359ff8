/** The theme that a person chose in the host, for pages that the host does not draw. Pure. */
import { isRecord } from '../engine/frames';
import { type Colour, parseColour } from '../ui/theme';

/** The host's names of colours in a theme, and the variables that it makes of them. Only those are read that tokens are derived from. */
const variables: Readonly<Record<string, string>> = {
  centerChannelBg: 'center-channel-bg', centerChannelColor: 'center-channel-color', linkColor: 'link-color', buttonBg: 'button-bg', buttonColor: 'button-color',
  onlineIndicator: 'online-indicator', errorTextColor: 'error-text', awayIndicator: 'away-indicator', sidebarBg: 'sidebar-bg',
};

/** The variables of the theme for a team, else of that for all teams; null where none was chosen or what was kept is no theme. */
export function themeOf(themes: Readonly<Record<string, string>>, teamID: string): Record<string, Colour> | null {
  for (const kept of [themes[teamID], themes['']]) {
    const theme = read(kept);
    if (theme) {
      return theme;
    }
  }
  return null;
}

function read(kept: string | undefined): Record<string, Colour> | null {
  let raw: unknown;
  try {
    raw = JSON.parse(kept ?? '');
  } catch {
    return null;
  }
  if (!isRecord(raw)) {
    return null;
  }
  const found = Object.entries(variables).flatMap(([name, variable]) => {
    const colour = typeof raw[name] === 'string' ? parseColour(raw[name]) : null;
    return colour ? [[variable, colour] as const] : [];
  });
  // Without the two that everything else must be read on and in, the rest could make the page illegible.
  const theme = Object.fromEntries(found);
  return theme['center-channel-bg'] && theme['center-channel-color'] ? theme : null;
}
