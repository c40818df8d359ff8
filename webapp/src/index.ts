/**
 * The bundle that the Mattermost web app loads for every user at start. It registers what is seen without a call; the engine and the call's own view come
 * with the first call. It brings no React: the host's is taken for the places inside the host's page.
 */
import { browserApi } from './page/browser';
import { openTabs } from './page/tabs';
import { HostCalls } from './host/calls';
import { onCommand } from './host/commands';
import type { HostMessage, HostState, HostStore, HostWindow, Registry } from './host/contract';
import { island } from './host/island';
import { JoinLinks } from './host/join_links';
import { type CallButton, careful, registerCallButton } from './host/registry';
import { SettingsState } from './host/settings_state';
import { CallPost, HeaderButton, MenuLine, SidebarMark, slot, Toast } from './host/slots';
import { isEnabled, reducer } from './host/state';
import hostCSS from './host/host.css?inline';
import { setLanguage, t } from './i18n';
import type { UI, UIBridge } from './incall/ui';
import { pluginID } from './manifest';
import { watchTheme } from './ui/theme';

const host = window as typeof window & HostWindow;

const events = [
  'call_start', 'call_end', 'call_state', 'call_host_changed', 'user_joined', 'user_left', 'user_muted', 'user_unmuted', 'user_voice_on', 'user_voice_off',
  'user_screen_on', 'user_screen_off', 'user_raise_hand', 'user_unraise_hand', 'user_dismissed_notification', 'channel_enable_voice', 'channel_disable_voice',
];

class CallsPlugin {
  private calls: HostCalls | null = null;
  private readonly undo: (() => void)[] = [];

  initialize(offered: Registry, store: HostStore): void {
    const registry = careful(offered);
    const React = host.React;
    if (!React || typeof store?.getState !== 'function') {
      return;
    }
    const languages = () => languagesOf(store.getState());
    setLanguage(languages());
    const base = `${window.location.origin}${host.basename ?? ''}`;
    const calls = new HostCalls({
      window: host, store, api: browserApi(base), loadUI: (bridge) => loadUI(base, languages(), bridge),
      setTimeout: (fn, ms) => window.setTimeout(fn, ms), alert: showSentence, openTabs: (hooks) => openTabs(base, hooks),
      largeRoute: registry.registerNeedsTeamRoute !== undefined, popout: isPopout(),
    });
    this.calls = calls;
    // Before anything is waited for: the host may soon put another address in place of this one.
    const links = new JoinLinks(calls);
    this.undo.push(addStyles(), watchTheme(), () => links.close());
    registry.registerReducer?.(reducer);
    registerCallButton(offered, callButton(calls, React));
    registerMenu(registry, calls);
    registry.registerSidebarChannelLinkLabelComponent?.(slot(React, calls, SidebarMark));
    registry.registerChannelToastComponent?.(slot(React, calls, Toast));
    registry.registerAdminConsoleCustomSetting?.('SettingsState', slot(React, calls, SettingsState), { showTitle: true });
    registry.registerPostTypeComponent?.('custom_calls', slot(React, calls, CallPost));
    // A global component stays when the person goes to another product; hosts that have none keep the call at the root.
    const surface = island<object>(React, (element) => ({ update: () => undefined, unmount: calls.attach(element) }));
    (registry.registerGlobalComponent ?? registry.registerRootComponent)?.call(registry, surface);
    registry.registerNeedsTeamRoute?.('/expanded', island<object>(React, (element) => ({ update: () => undefined, unmount: calls.attachExpanded(element, routeChannel()) })));
    registry.registerSlashCommandWillBePostedHook?.((message, args) => onCommand(calls, message, args));
    for (const name of events) {
      registry.registerWebSocketEventHandler?.(`custom_${pluginID}_${name}`, (message: HostMessage) => calls.onMessage(name, message));
    }
    registry.registerReconnectHandler?.(() => void calls.load());
    this.listen(calls);
    this.undo.push(
      followUser(calls, () => {
        setLanguage(languages());
        void calls.load().then(() => links.start());
      }),
    );
  }

  uninitialize(): void {
    this.calls?.close();
    this.calls = null;
    for (const undo of this.undo.splice(0)) {
      undo();
    }
  }

  /** Messages of the page itself, and the one key that works without a call. */
  private listen(calls: HostCalls): void {
    const hear = (event: MessageEvent) => {
      if (event.origin === window.location.origin && event.data?.type === 'connectCall' && typeof event.data.channelID === 'string') {
        void calls.open(event.data.channelID);
      }
    };
    const key = (event: KeyboardEvent) => {
      const mod = event.ctrlKey || event.metaKey;
      // Not in a pop-out, which has a call and no channel, nor before the host has one.
      if (mod && event.code === 'KeyS' && event.altKey !== event.shiftKey && !isPopout() && calls.currentChannelID !== '') {
        event.preventDefault();
        void calls.open(calls.currentChannelID);
      }
    };
    window.addEventListener('message', hear);
    window.addEventListener('keydown', key);
    this.undo.push(
      () => window.removeEventListener('message', hear),
      () => window.removeEventListener('keydown', key),
    );
  }
}

function callButton(calls: HostCalls, React: NonNullable<HostWindow['React']>): CallButton {
  return {
    button: slot(React, calls, HeaderButton),
    menuLine: slot(React, calls, MenuLine),
    icon: React.createElement('i', { className: 'icon icon-phone-outline', 'aria-hidden': true, style: { fontSize: 18 } }),
    text: t('header.start'),
    tooltip: t('header.tooltip'),
    press: (channel) => void calls.open(channel?.id ?? calls.currentChannelID),
  };
}

function registerMenu(registry: Registry, calls: HostCalls): void {
  const may = (state: HostState) => calls.mayEnable(state.entities?.channels?.currentChannelId ?? '');
  const on = () => isEnabled(calls.state, calls.currentChannelID);
  registry.registerChannelHeaderMenuAction?.(t('check.open'), (id) => calls.check(id ?? calls.currentChannelID), on);
  registry.registerChannelHeaderMenuAction?.(t('menu.enable'), (id) => void calls.setEnabled(id ?? calls.currentChannelID, true), (state) => may(state) && !on());
  registry.registerChannelHeaderMenuAction?.(t('menu.disable'), (id) => void calls.setEnabled(id ?? calls.currentChannelID, false), (state) => may(state) && on());
}

/** The address of the part that is loaded on demand changes with what is in it, so that no browser keeps an old one. */
async function loadUI(base: string, languages: readonly string[], bridge: UIBridge): Promise<UI> {
  const address = `${base}/plugins/${pluginID}/public/assets/${__UI_FILE__}`;
  const module = (await import(/* @vite-ignore */ address)) as typeof import('./incall/ui');
  return module.createUI(base, languages, bridge);
}

/** The channel that the address of the large view names: /team/com.mattermost.calls/expanded/CHANNEL. */
function routeChannel(): string {
  return window.location.pathname.split(`/${pluginID}/expanded/`)[1]?.split('/')[0] ?? '';
}

/** Whether this window shows the call of the one that opened it. */
function isPopout(): boolean {
  return Boolean(host.opener) && routeChannel() !== '';
}

/** Calls back whenever somebody is signed in: hosts load plugins before they ask who it is, and load no new page for the next person. */
function followUser(calls: HostCalls, signedIn: () => void): () => void {
  let user = '';
  const look = () => {
    const before = user;
    user = calls.myID;
    if (user !== before) {
      if (before !== '') {
        calls.signedOut();
      }
      if (user !== '') {
        signedIn();
      }
    }
  };
  look();
  return calls.subscribe(look);
}

function languagesOf(state: HostState): readonly string[] {
  const { currentUserId = '', profiles } = state.entities?.users ?? {};
  const own = profiles?.[currentUserId]?.locale;
  return own ? [own] : navigator.languages;
}

function addStyles(): () => void {
  const style = document.createElement('style');
  style.dataset.plugin = pluginID;
  style.textContent = hostCSS;
  document.head.append(style);
  return () => style.remove();
}

/** A sentence at the page's edge that goes by itself; read out, too. */
function showSentence(text: string): void {
  const note = document.createElement('div');
  note.className = 'calls-root cl-sentence';
  note.setAttribute('role', 'alert');
  note.dataset.testid = 'calls-sentence';
  note.textContent = text;
  document.body.append(note);
  window.setTimeout(() => note.remove(), 6000);
}

host.registerPlugin?.(pluginID, new CallsPlugin());
