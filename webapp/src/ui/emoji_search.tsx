/** All other emoji: a field to find them by word, by the host's name or by pasting one, and below it those that it leaves. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { Emoji } from '../engine/events';
import { t } from '../i18n';
import { commonEmoji, findEmoji } from './emoji';
import { useToolbar } from './toolbar';

export function EmojiSearch({ onPick, onClose }: { onPick(emoji: Emoji): void; onClose(): void }) {
  const [search, setSearch] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const toolbar = useToolbar(grid);
  const all = useMemo(commonEmoji, []);
  const found = findEmoji(all, search);
  useLayoutEffect(() => field.current?.focus(), []);
  const keys = (event: KeyboardEvent) => {
    const [first] = found;
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      step(grid.current, field.current, event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Enter' && event.target === field.current && first) {
      event.preventDefault();
      onPick(first.emoji);
    } else if (event.target !== field.current) {
      toolbar.onKeyDown(event);
    }
  };
  return (
    <section class="cl-emojis" aria-label={t('emoji.more')} onKeyDown={keys}>
      <input ref={field} type="search" class="cl-input" data-testid="emoji-search" aria-label={t('emoji.search')} placeholder={t('emoji.search')} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      <div ref={grid} class="cl-emoji-grid" role="toolbar" aria-label={t('emoji.more')} onFocusIn={toolbar.onFocusIn}>
        {found.map(({ emoji, text, label }) => (
          <button key={emoji.name} type="button" aria-label={label} title={label} data-testid={`react-${emoji.name}`} onClick={() => onPick(emoji)}>{text}</button>
        ))}
      </div>
      <p class="cl-note" role="status">{found.length === 0 ? t('emoji.none') : ''}</p>
    </section>
  );
}

/** A row up or down; over the first row is the field. */
function step(grid: HTMLElement | null, field: HTMLElement | null, by: 1 | -1): void {
  const buttons = [...(grid?.querySelectorAll('button') ?? [])];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const columns = Math.max(1, buttons.filter((b) => b.offsetTop === buttons[0]?.offsetTop).length);
  const next = at < 0 ? (by > 0 ? 0 : -1) : at + by * columns;
  if (next < 0) {
    field?.focus();
  } else {
    buttons[Math.min(next, buttons.length - 1)]?.focus();
  }
}
