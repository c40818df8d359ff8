/** The registry of plugins, whatever the host's version: what it lacks or refuses costs what hangs on it, and nothing else. */
import { pluginID } from '../manifest';
import type { HostChannel, HostComponent, Registry } from './contract';

/** The same registry, of which a method that fails says so in the browser's console, and the next one is tried. */
export function careful(registry: Registry): Registry {
  return new Proxy(registry, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== 'function') {
        return method;
      }
      return (...args: unknown[]) => {
        try {
          return method.apply(target, args);
        } catch (error) {
          // biome-ignore lint/suspicious/noConsole: nobody else would hear of it, and a page that runs is no place for it.
          console.error(`${pluginID}: the host refused ${String(key)}`, error);
          return undefined;
        }
      };
    },
  });
}

export interface CallButton {
  button: HostComponent;
  menuLine: HostComponent;
  /** For hosts that make the button themselves. */
  icon: unknown;
  text: string;
  tooltip: string;
  press(channel?: HostChannel): void;
}

/** Since 6.5 a host takes the whole button; before that it made one of an icon, beside the field for messages; without either, there is one of many in the header. */
export function registerCallButton(registry: Registry, { button, menuLine, icon, text, tooltip, press }: CallButton): void {
  const register: unknown = registry.registerCallButtonAction;
  const guarded = careful(registry);
  if (typeof register !== 'function') {
    guarded.registerChannelHeaderButtonAction?.(icon, press, text, tooltip);
  } else if (register.length === 4) {
    register.call(registry, icon, press, text, tooltip);
  } else {
    guarded.registerCallButtonAction?.(button, menuLine, press);
  }
}
