/** Choosing a reaction, and who reacted how. */
import { useState } from 'preact/hooks';

import { listNames, t } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { choices, emojiOf } from './emoji';
import { EmojiSearch } from './emoji_search';
import { PopBar } from './pop_bar';

export function ReactionPicker({ store, onClose }: { store: CallStore; onClose(): void }) {
  const [all, setAll] = useState(false);
  if (all) {
    return <EmojiSearch onPick={(emoji) => store.react(emoji)} onClose={onClose} />;
  }
  return (
    <PopBar class="cl-picker" label={t('call.react')} onClose={onClose}>
      {choices.map((emoji) => (
        <button key={emoji.name} type="button" aria-label={t(`emoji.${emoji.name}`)} data-testid={`react-${emoji.name}`} onClick={() => store.react(emoji)}>
          {emojiOf(emoji)}
        </button>
      ))}
      <button type="button" class="cl-picker-more" aria-label={t('emoji.more')} title={t('emoji.more')} data-testid="react-more" onClick={() => setAll(true)}>+</button>
    </PopBar>
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
