/**
 * Entry of the call page, /plugins/com.mattermost.calls/public/call.html?channel=ID. With `popout` it shows the call of the window that opened it, and goes on
 * with it by itself when that window goes. With `join_call=true` it joins without being asked.
 */
import { render } from 'preact';

import type { CallsClient } from '../engine/client';
import { currentLanguage, setLanguage } from '../i18n';
import { paint, watchTheme } from '../ui/theme';
import { App } from './app';
import { browserSurroundings, siteBase } from './browser';
import type { CallStore } from './call_store';
import { openerStore, PopOut, type TakeOver } from './popout';
import { PageStore } from './store';
import { openTabs } from './tabs';
import '../ui/calls.css';
import './page.css';

declare global {
  interface Window {
    /** The call of this page, as other windows of the same site and tests know it. */
    callsClient?: CallsClient;
    callsStore?: CallStore | undefined;
    /** Of a pop-out: to be called by the window that opened it when that goes away. */
    callsTakeOver?: ((call: TakeOver) => void) | undefined;
  }
}

const query = new URLSearchParams(window.location.search);
const channelID = query.get('channel') ?? '';
const root = document.getElementById('app');

setLanguage(navigator.languages);
document.documentElement.lang = currentLanguage();

const opener = query.has('popout') ? openerStore(channelID) : undefined;
if (root && opener) {
  showOpener(root, opener);
} else if (root) {
  void showPage(root, query.get('join_call') === 'true' ? { unmuted: false, listen: false } : null);
}

function showOpener(element: HTMLElement, store: CallStore): void {
  const unwatch = watchTheme(window.opener.document, true);
  window.callsTakeOver = (call) => {
    window.callsTakeOver = undefined;
    unwatch();
    render(null, element);
    void showPage(element, call);
  };
  render(<PopOut store={store} />, element);
}

/** A call of this page's own; `call` says that it is to be joined at once. */
async function showPage(element: HTMLElement, call: TakeOver | null): Promise<void> {
  const base = siteBase(window.location);
  const around = browserSurroundings(base, {
    channelID,
    onClient: (client) => {
      window.callsClient = client;
    },
  });
  watchTheme(document, true);
  const store = new PageStore(around, paint);
  store.keepTabs((hooks) => openTabs(base, hooks));
  // Not beforeunload: browsers of phones do not fire it, and the page need not ask anything.
  window.addEventListener('pagehide', () => store.leave());
  render(<App store={store} />, element);
  await store.load();
  if (call && store.view.step === 'lobby') {
    await store.enter(call.listen, call.unmuted);
  }
}
