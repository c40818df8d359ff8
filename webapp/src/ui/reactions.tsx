/** Choosing a reaction, and who reacted how. */
import { useRef } from 'preact/hooks';

import type { Emoji } from '../engine/events';
import { listNames, t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { emojiOf } from './person';
import { useToolbar } from './toolbar';

/** Names and code points as the host's own emoji have them. */
export const choices: readonly Emoji[] = [
  { name: '+1', unified: '1f44d' },
  { name: 'clap', unified: '1f44f' },
  { name: 'heart', unified: '2764-fe0f' },
  { name: 'joy', unified: '1f602' },
  { name: 'open_mouth', unified: '1f62e' },
  { name: 'tada', unified: '1f389' },
  { name: 'white_check_mark', unified: '2705' },
  { name: 'x', unified: '274c' },
];

export function ReactionPicker({ store, onClose }: { store: CallStore; onClose(): void }) {
  const bar = useRef<HTMLDivElement>(null);
  const toolbar = useToolbar(bar);
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    } else {
      toolbar.onKeyDown(event);
    }
  };
  return (
    <div ref={bar} class="cl-picker" role="toolbar" aria-label={t('call.react')} onFocusIn={toolbar.onFocusIn} onKeyDown={keys}>
      {choices.map((emoji) => (
        <button key={emoji.name} type="button" aria-label={t(`emoji.${emoji.name}` as 'emoji.clap')} data-testid={`react-${emoji.name}`} onClick={() => store.react(emoji)}>
          {emojiOf(emoji)}
        </button>
      ))}
    </div>
  );
}

/** Grouped by emoji: "👏 Priya, Sam and 2 others". */
export function ReactionLine({ store, view }: { store: CallStore; view: View }) {
  const groups = new Map<string, string[]>();
  for (const reaction of view.reactions) {
    const emoji = emojiOf(reaction.emoji);
    groups.set(emoji, [...(groups.get(emoji) ?? []), store.nameOf(reaction.userID)]);
  }
  return (
    <ul class="cl-reactions" aria-label={t('call.reactions')} data-testid="reactions">
      {[...groups].slice(0, 2).map(([emoji, names]) => (
        <li key={emoji}>{emoji} <bdi>{listNames(names)}</bdi></li>
      ))}
    </ul>
  );
}
