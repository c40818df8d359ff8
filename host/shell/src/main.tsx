/**
 * Start of the page: React first, of the version that the address or the last visit asks for; then who is signed in; then the plugins. No module here uses React
 * before it is asked to draw, so they can all be loaded before it.
 */
import { App } from './app';
import { listen, signIn } from './client';
import { loadPlugins, onPluginMessage } from './plugins';
import { listenForRegions } from './regions';
import { mount } from './root';
import { applyTheme } from './theme';

const versions = ['16', '17', '18'];

function chosenReact(): string {
  const asked = new URLSearchParams(location.search).get('react') ?? localStorage.getItem('react') ?? '';
  const version = versions.includes(asked) ? asked : '17';
  localStorage.setItem('react', version);
  return version;
}

function loadScript(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement('script'), { src, onload: () => resolve(), onerror: () => reject(new Error(`${src} could not be loaded`)) });
    document.body.append(script);
  });
}

async function start(): Promise<void> {
  applyTheme(localStorage.getItem('theme') ?? 'denim');
  listenForRegions();
  await loadScript(`/static/shell/react-${chosenReact()}.js`);
  const enter = async () => {
    await signIn();
    listen(onPluginMessage);
  };
  // Without a cookie this fails, and the form asks for a name. Plugins are there before it and before any channel is, as in the web app.
  await enter().catch(() => undefined);
  await loadPlugins();
  mount(document.getElementById('root') as HTMLElement).render(React.createElement(App, { onSignIn: enter }));
}

start().catch((error: Error) => {
  document.body.textContent = error.message;
});
