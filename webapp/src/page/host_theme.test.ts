import { describe, expect, it } from 'vitest';

import { contrast, derive } from '../ui/theme';
import { themeOf } from './host_theme';

const onyx = JSON.stringify({ type: 'Onyx', centerChannelBg: '#191b1f', centerChannelColor: '#e3e4e8', sidebarBg: '#202228', linkColor: '#5d89ea', buttonBg: '#4a7ce8', buttonColor: '#fff', errorTextColor: '#da6c6e', codeTheme: 'monokai' });
const plain = JSON.stringify({ centerChannelBg: '#ffffff', centerChannelColor: '#3f4350' });

describe('the theme of the host', () => {
  it('is that of the team, else that of all teams', () => {
    expect(themeOf({ '': plain, t1: onyx }, 't1')).toMatchObject({ 'center-channel-bg': [25, 27, 31], 'error-text': [218, 108, 110], 'button-color': [255, 255, 255] });
    expect(themeOf({ '': plain, t1: onyx }, 't2')?.['center-channel-bg']).toEqual([255, 255, 255]);
  });

  it.each(['', 'nonsense', '[]', 'null', '{}', '{"centerChannelBg":5}', '{"centerChannelBg":"url(x)","centerChannelColor":"#000"}'])('is none when %j was kept', (kept) => {
    expect(themeOf({ '': kept }, '')).toBeNull();
  });

  it('falls back to that of all teams when the team has a broken one', () => {
    expect(themeOf({ '': onyx, t1: 'broken' }, 't1')).not.toBeNull();
  });

  it('gives tokens that can be read, on the page behind the cards as well', () => {
    for (const kept of [onyx, plain]) {
      const tokens = derive(themeOf({ '': kept }, '') ?? {});
      expect(contrast(tokens.text ?? [0, 0, 0], tokens.page ?? [0, 0, 0])).toBeGreaterThan(7);
    }
  });
});
