/** Entry of the call page, /plugins/com.mattermost.calls/public/call.html?channel=ID. With `popout` it shows the call of the window that opened it. */
import { render } from 'preact';

import type { CallsClient } from '../engine/client';
import { currentLanguage, setLanguage } from '../i18n';
import { watchTheme } from '../ui/theme';
import { App } from './app';
import { browserSurroundings, siteBase } from './browser';
import type { CallStore } from './call_store';
import { PopOut } from './popout';
import { PageStore } from './store';
import '../ui/calls.css';
import './page.css';

declare global {
  interface Window {
    /** The call of this page, as other windows of the same site and tests know it. */
    callsClient?: CallsClient;
    callsStore?: CallStore | undefined;
  }
}

const query = new URLSearchParams(window.location.search);
const channelID = query.get('channel') ?? '';

setLanguage(navigator.languages);
document.documentElement.lang = currentLanguage();

const root = document.getElementById('app');
const opener = query.has('popout') ? storeOf(window.opener) : undefined;
if (root && opener) {
  watchTheme(window.opener.document);
  render(<PopOut store={opener} />, root);
} else if (root) {
  const store = new PageStore(
    browserSurroundings(siteBase(window.location), {
      channelID,
      onClient: (client) => {
        window.callsClient = client;
      },
    }),
  );
  // Not beforeunload: browsers of phones do not fire it, and the page need not ask anything.
  window.addEventListener('pagehide', () => store.leave());
  render(<App store={store} />, root);
  void store.load();
}

/** The opener's call, when it is one of this site and of this channel. */
function storeOf(other: Window | null): CallStore | undefined {
  try {
    return other?.callsStore?.channelID === channelID ? other.callsStore : undefined;
  } catch {
    return undefined; // a window of another site
  }
}
