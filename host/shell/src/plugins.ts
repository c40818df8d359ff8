/** Loading plugins' bundles as the web app does: a script element, which calls window.registerPlugin. */
import { request } from './client';
import { forget, PluginRegistry } from './registry';
import { store } from './store';
import type { SocketMessage } from './types';

interface Plugin {
  initialize(registry: PluginRegistry, theStore: typeof store): void;
  uninitialize?(): void;
}

interface Manifest {
  id: string;
  webapp?: { bundle_path?: string };
}

/** What bundles gave us, and those of them that were started. */
const given = new Map<string, Plugin>();
const running = new Map<string, Plugin>();

Object.assign(window, { registerPlugin: (id: string, plugin: Plugin) => void given.set(id, plugin) });

/** As in the web app, a plugin starts when its whole script has run. */
function start(id: string): void {
  stop(id);
  const plugin = given.get(id);
  if (plugin) {
    running.set(id, plugin);
    plugin.initialize(new PluginRegistry(id), store);
  }
}

function stop(id: string): void {
  running.get(id)?.uninitialize?.();
  running.delete(id);
  forget(id);
}

export async function loadPlugins(): Promise<void> {
  await Promise.all((await request<Manifest[]>('GET', '/plugins/webapp')).map(load));
}

/** Also a script that cannot be had is one that need not be waited for any more. */
function load(manifest: Manifest): Promise<void> {
  const path = manifest.webapp?.bundle_path;
  if (!path) {
    return Promise.resolve();
  }
  const script = document.createElement('script');
  script.id = `plugin_${manifest.id}`;
  // The server says where the file was, not where it serves it; the web app knows that too.
  script.src = path.replace(/\/static\/(?!plugins\/)/, '/static/plugins/');
  document.getElementById(script.id)?.remove();
  return new Promise((resolve) => {
    script.onload = () => {
      start(manifest.id);
      resolve();
    };
    script.onerror = () => resolve();
    document.body.append(script);
  });
}

/** Plugins that are switched on or off while the page is open. */
export function onPluginMessage(message: SocketMessage): void {
  const manifest = message.data.manifest as Manifest | undefined;
  if (message.event === 'plugin_enabled' && manifest) {
    void load(manifest);
  } else if (message.event === 'plugin_disabled' && manifest) {
    stop(manifest.id);
  }
}
