/**
 * The bundle that the Mattermost web app loads. For now it adds one button to the channel's header, which opens the call page of that channel.
 * It brings no React of its own: the host's is taken, as components of two Reacts do not mix, and nothing is drawn where the host has none to give.
 */
import { t } from './i18n';
import { pluginID } from './manifest';

/** What every host since 6.6 gives, and only what is used here. */
interface Registry {
  registerChannelHeaderButtonAction?(icon: unknown, action: (channel?: { id?: string }) => void, dropdownText: string, tooltipText: string): string;
}

interface HostWindow {
  registerPlugin?(id: string, plugin: CallsPlugin): void;
  React?: { createElement(type: string, props: object | null, ...children: unknown[]): unknown };
  /** The folder that the site lives in, where it lives in one. */
  basename?: string;
}

const host = window as typeof window & HostWindow;

class CallsPlugin {
  initialize(registry: Registry): void {
    const React = host.React;
    if (!React || !registry.registerChannelHeaderButtonAction) {
      return;
    }
    const icon = React.createElement('i', { className: 'icon icon-phone-outline', 'aria-hidden': true, style: { fontSize: 18 } });
    registry.registerChannelHeaderButtonAction(icon, openCall, t('host.button'), t('host.tooltip'));
  }

  // The host calls it when the plugin is switched off; it removes by itself what was registered.
  uninitialize(): void {}
}

const opened = new Map<string, Window>();

function openCall(channel?: { id?: string }): void {
  const id = channel?.id;
  if (!id) {
    return;
  }
  // Opening it again would load the page anew and so end the call in it.
  const there = opened.get(id);
  if (there && !there.closed) {
    there.focus();
    return;
  }
  const page = window.open(`${host.basename ?? ''}/plugins/${pluginID}/public/call.html?channel=${encodeURIComponent(id)}`, `calls-${id}`);
  if (page) {
    opened.set(id, page);
  }
}

host.registerPlugin?.(pluginID, new CallsPlugin());
