/** The part of ICU MessageFormat that the client's texts use: {name}, {n, plural, =0 {…} one {…} other {#}} and {x, select, a {…} other {…}}. */

export type Values = Readonly<Record<string, string | number>>;

type Part = string | { readonly name: string; readonly kind: 'value' | 'plural' | 'select'; readonly cases: ReadonlyMap<string, readonly Part[]> } | Count;
/** The "#" of a plural: the number that chose the case. */
interface Count {
  readonly count: true;
}

export type Format = (values: Values, plurals: Intl.PluralRules, numbers: Intl.NumberFormat) => string;

/** Reads a message once, for showing it often. A message that is no ICU message throws, which the catalogues' test sees before any person does. */
export function compile(message: string): Format {
  const reader = { text: message, at: 0 };
  const parts = readParts(reader, false);
  if (reader.at < message.length) {
    throw new SyntaxError(`unpaired } at ${reader.at}: ${message}`);
  }
  return (values, plurals, numbers) => render(parts, values, plurals, numbers, 0);
}

/** The names that a message asks for. */
export function namesIn(message: string): string[] {
  const names = new Set<string>();
  const walk = (parts: readonly Part[]) => {
    for (const part of parts) {
      if (typeof part === 'object' && 'name' in part) {
        names.add(part.name);
        part.cases.forEach(walk);
      }
    }
  };
  walk(readParts({ text: message, at: 0 }, false));
  return [...names].sort();
}

interface Reader {
  readonly text: string;
  at: number;
}

function readParts(reader: Reader, inPlural: boolean): Part[] {
  const parts: Part[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') {
      parts.push(text);
      text = '';
    }
  };
  while (reader.at < reader.text.length) {
    const char = reader.text.charAt(reader.at);
    if (char === '}') {
      break;
    }
    reader.at++;
    if (char === '{') {
      flush();
      parts.push(readArgument(reader));
    } else if (char === '#' && inPlural) {
      flush();
      parts.push({ count: true });
    } else {
      text += char;
    }
  }
  flush();
  return parts;
}

function readArgument(reader: Reader): Part {
  const name = readWord(reader);
  let kind = 'value';
  if (reader.text.charAt(reader.at) === ',') {
    reader.at++;
    kind = readWord(reader);
  }
  const cases = new Map<string, readonly Part[]>();
  if (kind === 'plural' || kind === 'select') {
    expect(reader, ',');
    for (let key = readWord(reader); key !== ''; key = readWord(reader)) {
      expect(reader, '{');
      cases.set(key, readParts(reader, kind === 'plural'));
      expect(reader, '}');
    }
    if (!cases.has('other')) {
      throw new SyntaxError(`${name} has no case "other": ${reader.text}`);
    }
  } else if (kind !== 'value') {
    throw new SyntaxError(`unknown kind ${kind}: ${reader.text}`);
  }
  expect(reader, '}');
  return { name, kind, cases };
}

function readWord(reader: Reader): string {
  const match = /^\s*([^\s{},]*)\s*/.exec(reader.text.slice(reader.at));
  reader.at += match?.[0].length ?? 0;
  return match?.[1] ?? '';
}

function expect(reader: Reader, char: string): void {
  if (reader.text.charAt(reader.at) !== char) {
    throw new SyntaxError(`${char} is missing at ${reader.at}: ${reader.text}`);
  }
  reader.at++;
}

function render(parts: readonly Part[], values: Values, plurals: Intl.PluralRules, numbers: Intl.NumberFormat, count: number): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') {
        return part;
      }
      if ('count' in part) {
        return numbers.format(count);
      }
      const value = values[part.name];
      if (part.kind === 'value') {
        return value === undefined ? `{${part.name}}` : String(value);
      }
      const number = Number(value ?? 0);
      const key = part.kind === 'select' ? String(value) : part.cases.has(`=${number}`) ? `=${number}` : plurals.select(number);
      return render(part.cases.get(key) ?? part.cases.get('other') ?? [], values, plurals, numbers, number);
    })
    .join('');
}
