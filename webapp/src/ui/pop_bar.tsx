/** Buttons that appear for one press: one stop of the Tab key with arrows inside, as every row of buttons, and Escape takes them away. */
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

import { useToolbar } from './toolbar';

interface Props {
  class: string;
  label: string;
  testID?: string;
  onClose(): void;
  /** Of a press on any of them. */
  onClick?: () => void;
  children: ComponentChildren;
}

export function PopBar({ label, testID, onClose, onClick, children, ...rest }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const toolbar = useToolbar(box);
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    } else {
      toolbar.onKeyDown(event);
    }
  };
  return <div ref={box} class={rest.class} role="toolbar" aria-label={label} data-testid={testID} onFocusIn={toolbar.onFocusIn} onKeyDown={keys} onClick={onClick}>{children}</div>;
}
