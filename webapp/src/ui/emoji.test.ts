import { afterEach, describe, expect, it } from 'vitest';

import { setLanguage } from '../i18n';
import { commonEmoji, findEmoji, unifiedOf } from './emoji';

const names = (search: string) => findEmoji(commonEmoji(), search).map((e) => e.emoji.name);

afterEach(() => setLanguage(['en']));

describe('emoji', () => {
  it('are found by words in the language of the person, by the host’s name, and as they are', () => {
    expect(names('rocket')).toEqual(['rocket']);
    expect(names(':rocket:')).toEqual(['rocket']);
    expect(names(' ThInk ')).toEqual(['thinking_face']);
    expect(names('🚀')).toEqual(['rocket']);
    expect(names('party')[0]).toBe('partying_face');
    expect(names('nothing of that name')).toEqual([]);
    setLanguage(['de']);
    expect(names('rakete')).toEqual(['rocket']);
    setLanguage(['es']);
    expect(names('cohete')).toEqual(['rocket']);
  });

  it('may be any, of which the first of a text counts', () => {
    const [family] = findEmoji(commonEmoji(), '👨‍👩‍👧');
    expect(family?.emoji).toEqual({ name: '1f468-200d-1f469-200d-1f467', unified: '1f468-200d-1f469-200d-1f467', literal: '👨‍👩‍👧' });
    expect(findEmoji(commonEmoji(), '🇩🇪🇪🇸').map((e) => e.text)).toEqual(['🇩🇪']);
    expect(names(`👩${'‍👩'.repeat(40)}`)).toEqual([]); // longer than any server takes
  });

  it('have a name, code points and words each, and none is there twice', () => {
    const all = commonEmoji();
    expect(new Set(all.map((e) => e.emoji.name)).size).toBe(all.length);
    expect(new Set(all.map((e) => e.text)).size).toBe(all.length);
    for (const { emoji, label } of all) {
      expect(emoji.unified).toMatch(/^[0-9a-f]{4,5}(-[0-9a-f]{4,5})*$/);
      expect(label).not.toBe('');
    }
    expect(unifiedOf('❤️')).toBe('2764-fe0f');
  });
});
