/** The client's texts. Every text has a key; en.json is the source, and its keys are the only ones that compile. Every language has them all. */
import de from './de.json';
import en from './en.json';
import es from './es.json';
import { compile, type Format, type Values } from './icu';

export type MessageKey = keyof typeof en;

export const catalogues: Readonly<Record<string, Readonly<Record<MessageKey, string>>>> = { en, de, es };

let language = 'en';
let messages: Readonly<Record<MessageKey, string>> = en;
let plurals = new Intl.PluralRules(language);
let numbers = new Intl.NumberFormat(language);
const compiled = new Map<string, Format>();

/** Chooses the first of these languages that there is; "de-AT" is German. English where there is none. */
export function setLanguage(wanted: readonly string[]): void {
  const found = wanted.map((tag) => tag.split('-')[0]?.toLowerCase() ?? '').find((tag) => tag in catalogues) ?? 'en';
  language = found;
  messages = catalogues[found] ?? en;
  plurals = new Intl.PluralRules(found);
  numbers = new Intl.NumberFormat(found);
}

export function currentLanguage(): string {
  return language;
}

/** The text of a key, with the message's arguments taken from values. */
export function t(key: MessageKey, values: Values = {}): string {
  const message = messages[key];
  let format = compiled.get(message);
  if (!format) {
    format = compile(message);
    compiled.set(message, format);
  }
  return format(values, plurals, numbers);
}

/** The text of a key that is made at run time, or of `fallback` when there is none. */
export function tOr(key: string, fallback: MessageKey, values: Values = {}): string {
  return t(key in en ? (key as MessageKey) : fallback, values);
}

/** "Ana", "Ana and Ben", "Ana, Ben and 4 others". `total` says how many they are where only the first are named. */
export function listNames(names: readonly string[], most = 3, total = names.length): string {
  if (total > most) {
    const shown = names.slice(0, most - 1);
    return t('list.others', { names: shown.join(', '), count: total - shown.length });
  }
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(names);
}

/** A number with so many digits after the point, as the language writes it. */
export function decimal(value: number, digits = 0): string {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** "08:30", in the hearer's own time and way. */
export function timeOfDay(ms: number): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(ms);
}
