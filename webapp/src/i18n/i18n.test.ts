import { afterEach, describe, expect, it } from 'vitest';

import { catalogues, listNames, type MessageKey, setLanguage, t, tOr } from '.';
import { compile, namesIn } from './icu';

afterEach(() => setLanguage(['en']));

describe('texts', () => {
  it('fills in values, and leaves what has none', () => {
    expect(t('screen.of', { name: 'Ana {x}' })).toBe('Ana {x} is sharing the screen');
    expect(t('screen.of')).toBe('{name} is sharing the screen');
  });

  it('chooses the plural form', () => {
    expect(t('live.people', { count: 1 })).toBe('1 person.');
    expect(t('live.people', { count: 0 })).toBe('0 people.');
    expect(t('lobby.people', { count: 2, names: 'Ana and Ben' })).toBe('2 people are in the call: Ana and Ben');
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

  it('names the first of many more', () => {
    expect(listNames(['Ana', 'Ben', 'Cid', 'Dot'], 3, 500)).toBe('Ana, Ben and 498 others');
  });

  it('takes the first language that there is', () => {
    setLanguage(['fr-CA', 'de-AT', 'en']);
    expect(t('call.leave')).toBe(catalogues.de?.['call.leave']);
    setLanguage(['fr']);
    expect(t('call.leave')).toBe('Leave');
  });
});

describe.each(Object.entries(catalogues))('the catalogue %s', (language, catalogue) => {
  const en = catalogues.en as Record<MessageKey, string>;

  it('has every text, and no other', () => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort());
  });

  it.each(Object.entries(catalogue))('%s can be read and asks for the same values', (key, message) => {
    expect(message).not.toBe('');
    expect(namesIn(message)).toEqual(namesIn(en[key as MessageKey]));
  });

  it('is a translation', () => {
    const same = Object.entries(catalogue).filter(([key, message]) => message === en[key as MessageKey]);
    // Names, units and words that are the same in several languages remain.
    expect(language === 'en' || same.length < 30, `not translated: ${same.map(([key]) => key).join(' ')}`).toBe(true);
  });
});

describe('messages', () => {
  const say = (message: string, values: Record<string, string | number>) => compile(message)(values, new Intl.PluralRules('en'), new Intl.NumberFormat('en'));

  it.each<[string, Record<string, string | number>, string]>([
    ['plain', {}, 'plain'],
    ['{a}{b}', { a: 1, b: 'x' }, '1x'],
    ['{n, plural, =0 {none} one {# thing} other {# things}}', { n: 0 }, 'none'],
    ['{n, plural, =0 {none} one {# thing} other {# things}}', { n: 1 }, '1 thing'],
    ['{n, plural, one {#} other {{who} has #}}', { n: 1234, who: 'Ana' }, 'Ana has 1,234'],
    ['{x, select, a {A} other {else}}', { x: 'a' }, 'A'],
    ['{x, select, a {A} other {else}}', { x: 'b' }, 'else'],
    ['# stays outside', {}, '# stays outside'],
  ])('%s with %j', (message, values, text) => {
    expect(say(message, values)).toBe(text);
  });

  it.each(['{', '}', '{a', '{n, plural, one {x}}', '{n, date}', '{n, plural, other {x}'])('%s is none', (message) => {
    expect(() => compile(message)).toThrow(SyntaxError);
  });
});
