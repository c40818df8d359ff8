/** The plugin registry of the web app, as far as a plugin for calls uses it; the names, arguments and results are those of the web app. */
import { addReducer, store } from './store';
import type { Registered, SocketMessage } from './types';

type Component = React.ElementType;
type Resolvable = React.ReactNode | Component;
type Handler = (message: SocketMessage) => void;

const handlers = new Map<string, Map<string, Handler>>();
const reconnected = new Map<string, () => void>();
/** Custom settings of the System Console, by "plugin/key". */
export const customSettings = new Map<string, { component: Component; showTitle: boolean }>();

/** Hands an event of the socket to the plugins that wanted it. */
export function handOut(message: SocketMessage): void {
  for (const handler of handlers.get(message.event)?.values() ?? []) {
    handler(message);
  }
}

export function handOutReconnect(): void {
  for (const handler of reconnected.values()) {
    handler();
  }
}

let lastID = 0;

/** A component where an element is wanted becomes one. */
function resolve(given: Resolvable): React.ReactNode {
  const isComponent = typeof given === 'function' || (typeof given === 'object' && given !== null && !React.isValidElement(given) && '$$typeof' in given);
  return isComponent ? React.createElement(given as Component) : (given as React.ReactNode);
}

/** Methods take their arguments by position, or as one plain object that has no other keys than the arguments' names. */
function reArg<Args extends unknown[]>(names: readonly string[], args: Args): Args {
  const [first] = args;
  const plain = typeof first === 'object' && first !== null && [Object.prototype, null].includes(Object.getPrototypeOf(first));
  const named = args.length === 1 && plain && Object.keys(first).every((key) => names.includes(key));
  return named ? (names.map((name) => (first as Record<string, unknown>)[name]) as Args) : args;
}

export class PluginRegistry {
  readonly supports = { globalAppBar: true, globalRhs: true };

  constructor(private readonly id: string) {}

  private put(name: string, data: Omit<Registered, 'id' | 'pluginId'>): string {
    const id = `registered-${++lastID}`;
    store.dispatch({ type: 'RECEIVED_PLUGIN_COMPONENT', name, data: { id, pluginId: this.id, ...data } });
    return id;
  }

  private readonly place = (name: string) => (...args: [component: Component]) => this.put(name, { component: reArg(['component'], args)[0] });
  registerRootComponent = this.place('Root');
  registerGlobalComponent = this.place('Global');
  registerSidebarChannelLinkLabelComponent = this.place('SidebarChannelLinkLabel');
  registerChannelToastComponent = this.place('ChannelToast');

  registerNeedsTeamRoute = (...args: [route: string, component: Component]) => {
    const [route, component] = reArg(['route', 'component'], args);
    return this.put('NeedsTeamComponent', { route: `${this.id}/${route.trim().replace(/^\//, '')}`, component });
  };

  registerPostTypeComponent = (...args: [type: string, component: Component]) => {
    const [type, component] = reArg(['type', 'component'], args);
    return this.put('PostType', { type, component });
  };

  registerChannelHeaderButtonAction = (...args: [icon: Resolvable, action: Registered['action'], dropdownText: Resolvable, tooltipText: Resolvable]) => {
    const [icon, action, dropdownText, tooltipText] = reArg(['icon', 'action', 'dropdownText', 'tooltipText'], args);
    return this.put('ChannelHeaderButton', { icon: resolve(icon), dropdownText: resolve(dropdownText), tooltipText: resolve(tooltipText), ...(action ? { action } : {}) });
  };

  registerCallButtonAction = (...args: [button: Resolvable, dropdownButton: Resolvable, action: Registered['action']]) => {
    const [button, dropdownButton, action] = reArg(['button', 'dropdownButton', 'action'], args);
    return this.put('CallButton', { button: resolve(button), dropdownButton: resolve(dropdownButton), ...(action ? { action } : {}) });
  };

  registerChannelHeaderMenuAction = (...args: [text: Resolvable, action: Registered['action'], shouldRender?: Registered['shouldRender']]) => {
    const [text, action, shouldRender = () => true] = reArg(['text', 'action', 'shouldRender'], args);
    return this.put('ChannelHeader', { text: resolve(text), shouldRender, ...(action ? { action } : {}) });
  };

  registerSlashCommandWillBePostedHook = (hook: NonNullable<Registered['hook']>) => this.put('SlashCommandWillBePosted', { hook });

  registerWebSocketEventHandler = (event: string, handler: Handler): void => {
    const ofEvent = handlers.get(event) ?? new Map<string, Handler>();
    handlers.set(event, ofEvent.set(this.id, handler));
  };

  unregisterWebSocketEventHandler = (event: string): void => {
    handlers.get(event)?.delete(this.id);
  };

  registerReconnectHandler = (handler: () => void): void => {
    reconnected.set(this.id, handler);
  };

  unregisterReconnectHandler = (): void => {
    reconnected.delete(this.id);
  };

  registerReducer = (reducer: Parameters<typeof addReducer>[1]): void => addReducer(`plugins-${this.id}`, reducer);

  registerAdminConsoleCustomSetting = (key: string, component: Component, { showTitle = false } = {}): void => {
    customSettings.set(`${this.id}/${key.toLowerCase()}`, { component, showTitle });
  };

  /** Texts of plugins are shown by the plugins themselves here; there is nothing of the page's own that would ask for them. */
  registerTranslations = (_source: (locale: string) => Record<string, string>): void => undefined;

  unregisterComponent = (...args: [componentId: string]): void => {
    store.dispatch({ type: 'REMOVED_PLUGIN_COMPONENT', id: reArg(['componentId'], args)[0] });
  };
}

/** Takes back everything that a plugin registered. */
export function forget(pluginID: string): void {
  for (const ofEvent of handlers.values()) {
    ofEvent.delete(pluginID);
  }
  reconnected.delete(pluginID);
  store.dispatch({ type: 'REMOVED_WEBAPP_PLUGIN', id: pluginID });
}
