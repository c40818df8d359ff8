/** The client's keys. Pure: whoever listens to the keyboard asks here what a key means. */

export type Action = 'start' | 'mute' | 'hand' | 'react' | 'screen' | 'people' | 'leave' | 'talk' | 'layout' | 'zoomIn' | 'zoomOut' | 'fit' | 'real';

interface Shortcut {
  readonly name: Action;
  /** As KeyboardEvent.code, which does not change with the layout of the keyboard; single keys by what they write. */
  readonly code?: string;
  readonly key?: string;
  /** mod: Control, on a Mac Command. */
  readonly mod?: boolean;
  readonly shift?: boolean;
  readonly alt?: boolean;
  readonly shown: string;
}

export const shortcuts: readonly Shortcut[] = [
  { name: 'start', code: 'KeyS', mod: true, alt: true, shown: 'Ctrl Alt S' },
  { name: 'mute', code: 'Space', mod: true, shift: true, shown: 'Ctrl Shift Space' },
  { name: 'hand', code: 'KeyY', mod: true, shift: true, shown: 'Ctrl Shift Y' },
  { name: 'react', code: 'KeyX', mod: true, shift: true, shown: 'Ctrl Shift X' },
  { name: 'screen', code: 'KeyE', mod: true, shift: true, shown: 'Ctrl Shift E' },
  { name: 'people', code: 'KeyP', alt: true, shown: 'Alt P' },
  { name: 'leave', code: 'KeyL', mod: true, shift: true, shown: 'Ctrl Shift L' },
  { name: 'talk', key: ' ', shown: 'Space' },
  { name: 'layout', key: 'g', shown: 'G' },
  { name: 'zoomIn', key: '+', shown: '+' },
  { name: 'zoomOut', key: '-', shown: '−' },
  { name: 'fit', key: '0', shown: '0' },
  { name: 'real', key: '1', shown: '1' },
];

type Press = Pick<KeyboardEvent, 'code' | 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/** What a key press asks for. Single keys count only where `single` says so, which is never inside a field or on a button. */
export function actionOf(press: Press, single: boolean): Action | null {
  const mod = press.ctrlKey || press.metaKey;
  const found = shortcuts.find((s) => {
    if (s.code === undefined) {
      return single && !mod && !press.altKey && press.key.toLowerCase() === s.key;
    }
    return s.code === press.code && mod === (s.mod ?? false) && press.shiftKey === (s.shift ?? false) && press.altKey === (s.alt ?? false);
  });
  // The older key for the list, which other clients have too.
  if (!found && press.code === 'KeyP' && mod && press.shiftKey && !press.altKey) {
    return 'people';
  }
  return found?.name ?? null;
}

/** Whether the keys of a press are somebody's text or a button's own. */
export function isTyping(target: EventTarget | null): boolean {
  const element = target as Partial<HTMLElement> | null;
  return typeof element?.closest === 'function' && element.closest('input, textarea, select, button, a, [contenteditable]') !== null;
}
