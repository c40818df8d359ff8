/** Emoji to react with: the host's own set is not ours to have, so here are common ones, under the host's names, with words to find them by. Pure. */
import type { Emoji } from '../engine/events';
import { currentLanguage, t } from '../i18n';
import { emojiList } from './emoji_list';

export interface Named {
  readonly emoji: Emoji;
  /** The characters themselves. */
  readonly text: string;
  /** What it is called in the person's language. */
  readonly label: string;
}

/** The eight that are a press away. Names and code points as the host's own emoji have them. */
export const choices = [
  { name: '+1', unified: '1f44d' },
  { name: 'clap', unified: '1f44f' },
  { name: 'heart', unified: '2764-fe0f' },
  { name: 'joy', unified: '1f602' },
  { name: 'open_mouth', unified: '1f62e' },
  { name: 'tada', unified: '1f389' },
  { name: 'white_check_mark', unified: '2705' },
  { name: 'x', unified: '274c' },
] as const satisfies readonly Emoji[];

/** The longest text that the server takes for any part of a reaction, in bytes; all that is measured by it here is ASCII but for the emoji itself. */
const mostBytes = 64;

const languages: readonly string[] = ['en', 'de', 'es'];

/** All of them, called by their words in the language of the moment. */
export function commonEmoji(): readonly Named[] {
  const at = Math.max(0, languages.indexOf(currentLanguage()));
  const listed = emojiList.map(([name, text, ...words]): Named => ({ emoji: { name, unified: unifiedOf(text) }, text, label: words[at] ?? words[0] }));
  return [...choices.map((emoji): Named => ({ emoji, text: emojiOf(emoji), label: t(`emoji.${emoji.name}`) })), ...listed];
}

/** What a search leaves: by word, by the host's name with or without colons, or the emoji itself, also one that is not in the list. */
export function findEmoji(all: readonly Named[], search: string): readonly Named[] {
  const wanted = search.trim().toLowerCase().replace(/^:|:$/gu, '');
  if (wanted === '') {
    return all;
  }
  const typed = typedEmoji(search.trim());
  if (typed) {
    return [all.find((e) => e.text === typed.text) ?? typed];
  }
  const words = (e: Named) => `${e.label.toLowerCase()} ${e.emoji.name.replaceAll('_', ' ')} ${e.emoji.name}`;
  const begins = (e: Named) => words(e).split(' ').some((word) => word.startsWith(wanted));
  return all.filter((e) => words(e).includes(wanted)).sort((a, b) => Number(begins(b)) - Number(begins(a)));
}

/** An emoji that somebody typed or pasted; null for other text, and for what no server would take. */
function typedEmoji(text: string): Named | null {
  const first = firstGrapheme(text);
  const unified = unifiedOf(first);
  if (!/\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u.test(first) || unified.length > mostBytes || new TextEncoder().encode(first).length > mostBytes) {
    return null;
  }
  return { emoji: { name: unified, unified, literal: first }, text: first, label: first };
}

/** One character as people count them; where the browser cannot tell, the first of the text's own. */
function firstGrapheme(text: string): string {
  if (typeof Intl.Segmenter !== 'function') {
    return [...text][0] ?? '';
  }
  const [first] = new Intl.Segmenter().segment(text);
  return first?.segment ?? '';
}

/** The emoji itself: its characters, from the code points where only those came. */
export function emojiOf(emoji: { unified: string; literal?: string }): string {
  if (emoji.literal) {
    return emoji.literal;
  }
  const points = emoji.unified.split('-').map((hex) => Number.parseInt(hex, 16));
  return points.every((p) => p > 0 && p <= 0x10ffff) ? String.fromCodePoint(...points) : '';
}

/** Code points as the host's clients write them: "2764-fe0f". */
export function unifiedOf(text: string): string {
  return [...text].map((char) => (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')).join('-');
}
