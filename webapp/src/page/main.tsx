/** Entry of the call page, /plugins/com.mattermost.calls/public/call.html?channel=ID. */
import { render } from 'preact';

import type { CallsClient } from '../engine/client';
import { App } from './app';
import { browserApi, browserEnv, captureScreen, openMicrophone, siteBase, socketURL } from './browser';
import { PageStore } from './store';
import './style.css';

declare global {
  interface Window {
    /** The call of this page, as other windows of the same site and tests know it. */
    callsClient?: CallsClient;
  }
}

const env = browserEnv();
const base = siteBase(window.location);

const store = new PageStore({
  env,
  api: browserApi(env, base),
  socketURL: socketURL(base),
  channelID: new URLSearchParams(window.location.search).get('channel') ?? '',
  openMicrophone,
  captureScreen,
  onClient: (client) => {
    window.callsClient = client;
  },
});

// Not beforeunload: browsers of phones do not fire it, and the page need not ask anything.
window.addEventListener('pagehide', () => store.leave());

const root = document.getElementById('app');
if (root) {
  render(<App store={store} />, root);
  void store.load();
}
