/** Two of the web app's themes, as the variables that plugins read. */

export const themes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  denim: {
    'sidebar-bg': '#1e325c', 'sidebar-text': '#ffffff', 'center-channel-bg': '#ffffff', 'center-channel-color': '#3f4350', 'link-color': '#386fe5',
    'button-bg': '#1c58d9', 'button-color': '#ffffff', 'error-text': '#d24b4e', 'online-indicator': '#3db887', 'away-indicator': '#ffbc1f', 'dnd-indicator': '#d24b4e',
    'mention-bg': '#ffffff', 'mention-color': '#1e325c',
  },
  onyx: {
    'sidebar-bg': '#202228', 'sidebar-text': '#ffffff', 'center-channel-bg': '#191b1f', 'center-channel-color': '#e3e4e8', 'link-color': '#5d89ea',
    'button-bg': '#4a7ce8', 'button-color': '#ffffff', 'error-text': '#da6c6e', 'online-indicator': '#3db887', 'away-indicator': '#f5ab00', 'dnd-indicator': '#d24b4e',
    'mention-bg': '#4b7ce7', 'mention-color': '#ffffff',
  },
};

export function applyTheme(name: string): void {
  const { style } = document.documentElement;
  for (const [variable, value] of Object.entries(themes[name] ?? themes.denim ?? {})) {
    style.setProperty(`--${variable}`, value);
    const rgb = [1, 3, 5].map((at) => Number.parseInt(value.slice(at, at + 2), 16)).join(',');
    style.setProperty(`--${variable}-rgb`, rgb);
  }
  document.documentElement.style.colorScheme = name === 'onyx' ? 'dark' : 'light';
  localStorage.setItem('theme', name);
}
