import { describe, expect, it } from 'vitest';

import { listNames, t, tn, tOr } from '.';

describe('texts', () => {
  it('fills in values, and leaves what has none', () => {
    expect(t('screen.of', { name: 'Ana {x}' })).toBe('Ana {x} is sharing the screen');
    expect(t('screen.of')).toBe('{name} is sharing the screen');
  });

  it('chooses the plural form', () => {
    expect(tn('live.people', 1)).toBe('1 person.');
    expect(tn('live.people', 0)).toBe('0 people.');
  });

  it('falls back where a key is made at run time', () => {
    expect(tOr('refused.call_full', 'error.refused')).toBe('The call is full.');
    expect(tOr('refused.something_new', 'error.refused')).toBe('The server refused.');
  });

  it.each([
    [['Ana'], 'Ana'],
    [['Ana', 'Ben'], 'Ana and Ben'],
    [['Ana', 'Ben', 'Cid'], 'Ana, Ben, and Cid'],
    [['Ana', 'Ben', 'Cid', 'Dot', 'Eve', 'Fay'], 'Ana, Ben and 4 others'],
  ])('%j', (names, text) => {
    expect(listNames(names)).toBe(text);
  });
});
