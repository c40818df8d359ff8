import { expect, it } from 'vitest';

import { siteBase, socketURL } from './browser';

it.each([
  ['http://localhost:8065', '/plugins/com.mattermost.calls/public/call.html', 'http://localhost:8065', 'ws://localhost:8065/api/v4/websocket'],
  ['https://chat.example', '/mm/plugins/com.mattermost.calls/public/call.html', 'https://chat.example/mm', 'wss://chat.example/mm/api/v4/websocket'],
  ['http://localhost:5173', '/call.html', 'http://localhost:5173', 'ws://localhost:5173/api/v4/websocket'],
])('%s%s belongs to the site %s', (origin, pathname, base, socket) => {
  expect(siteBase({ origin, pathname })).toBe(base);
  expect(socketURL(base)).toBe(socket);
});
