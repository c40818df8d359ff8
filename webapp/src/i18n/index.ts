/** The page's texts. Every text has a key; en.json is the source, and its keys are the only ones that compile. */
import en from './en.json';

type Messages = typeof en;
export type MessageKey = keyof Messages;
type PluralBase = { [K in MessageKey]: K extends `${infer Base}.other` ? (`${Base}.one` extends MessageKey ? Base : never) : never }[MessageKey];

const language = 'en';
const plurals = new Intl.PluralRules(language);

/** The text of a key, with {name} replaced by values.name. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return en[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a key that has plural forms. */
export function tn(base: PluralBase, count: number, values: Readonly<Record<string, string | number>> = {}): string {
  const form = `${base}.${plurals.select(count)}`;
  return t(form in en ? (form as MessageKey) : `${base}.other`, { ...values, count });
}

/** The text of a key that is made at run time, or of `fallback` when there is none. */
export function tOr(key: string, fallback: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return t(key in en ? (key as MessageKey) : fallback, values);
}

/** "Ana", "Ana and Ben", "Ana, Ben and 4 others". */
export function listNames(names: readonly string[], most = 3): string {
  if (names.length > most) {
    const shown = names.slice(0, most - 1);
    return t('list.others', { names: shown.join(', '), count: names.length - shown.length });
  }
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(names);
}
