import { afterEach, describe, expect, it, vi } from 'vitest';

import { openMicrophone, siteBase, socketURL } from './browser';
import { usualSettings } from './settings';

it.each([
  ['http://localhost:8065', '/plugins/com.mattermost.calls/public/call.html', 'http://localhost:8065', 'ws://localhost:8065/api/v4/websocket'],
  ['https://chat.example', '/mm/plugins/com.mattermost.calls/public/call.html', 'https://chat.example/mm', 'wss://chat.example/mm/api/v4/websocket'],
  ['http://localhost:5173', '/call.html', 'http://localhost:5173', 'ws://localhost:5173/api/v4/websocket'],
])('%s%s belongs to the site %s', (origin, pathname, base, socket) => {
  expect(siteBase({ origin, pathname })).toBe(base);
  expect(socketURL(base)).toBe(socket);
});

describe('the remembered microphone', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** A browser that says this to a wish for exactly one device; gives what it was asked for. */
  function browser(toExact: () => Promise<string>): unknown[] {
    const asked: unknown[] = [];
    const getUserMedia = async ({ audio }: { audio: { deviceId?: object } }) => {
      asked.push(audio.deviceId);
      const label = audio.deviceId ? await toExact() : 'any';
      return { getAudioTracks: () => [{ label }] };
    };
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
    return asked;
  }

  const open = async () => (await openMicrophone({ ...usualSettings, input: 'mine' })).label;

  it('is taken, and no other', async () => {
    const asked = browser(async () => 'mine');
    expect(await open()).toBe('mine');
    expect(asked).toEqual([{ exact: 'mine' }]);
  });

  it('is done without where it is at home today', async () => {
    browser(async () => {
      throw new DOMException('', 'NotFoundError');
    });
    expect(await open()).toBe('any');
  });

  it('is not asked for twice of a person who said no', async () => {
    const asked = browser(async () => {
      throw new DOMException('', 'NotAllowedError');
    });
    await expect(open()).rejects.toMatchObject({ code: 'no_microphone', detail: 'blocked' });
    expect(asked).toHaveLength(1);
  });
});
