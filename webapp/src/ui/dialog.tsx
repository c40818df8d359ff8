/** A dialog and a panel: both have a title and a way out, take Escape, and give the focus back to where it was. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

import { t } from '../i18n';
import { CloseIcon } from './icons';

interface Props {
  id?: string;
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A question that stands before everything else. The focus goes to what has `data-safe`, else to the first control, and stays inside. */
export function Dialog({ id, title, onClose, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useFocusBack(box);
  // At once, not after the next picture: whoever sees it may press Escape, and that must find the focus here.
  useLayoutEffect(() => {
    (box.current?.querySelector<HTMLElement>('[data-safe]') ?? controls(box.current)[0])?.focus();
  }, []);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a press beside the dialog closes it, which Escape and its button do too.
    <div class="cl-backdrop" onMouseDown={(event) => event.target === event.currentTarget && onClose()}>
      <div ref={box} id={id} data-testid={id} class="cl-dialog calls-root a11y__modal" role="dialog" aria-modal="true" aria-label={title} onKeyDown={(event) => onKey(event, box.current, onClose)}>
        <Head title={title} onClose={onClose} level={2} />
        {children}
      </div>
    </div>
  );
}

/** Something to look at beside the rest, which can still be used. */
export function Panel({ id, title, onClose, children }: Props) {
  const box = useRef<HTMLElement>(null);
  useFocusBack(box);
  useLayoutEffect(() => controls(box.current)[0]?.focus(), []);
  const onEscape = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    }
  };
  return (
    <section ref={box} id={id} data-testid={id} class="cl-panel" aria-label={title} onKeyDown={onEscape}>
      <Head title={title} onClose={onClose} level={2} />
      {children}
    </section>
  );
}

function Head({ title, onClose, level }: { title: string; onClose(): void; level: 2 | 3 }) {
  const Heading = `h${level}` as const;
  return (
    <div class="cl-head">
      <Heading>{title}</Heading>
      <button type="button" class="cl-icon-button" aria-label={t('close')} title={t('close')} onClick={onClose}>
        <CloseIcon />
      </button>
    </div>
  );
}

/** At the end the focus returns to what had it at the beginning, unless the person has gone elsewhere meanwhile. */
function useFocusBack(box: { readonly current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const inside = box.current;
    return () => {
      const now = document.activeElement;
      if (opener instanceof HTMLElement && opener.isConnected && (!now || now === document.body || inside?.contains(now))) {
        opener.focus();
      }
    };
  }, [box]);
}

function onKey(event: KeyboardEvent, box: HTMLElement | null, onClose: () => void): void {
  if (event.key === 'Escape') {
    event.stopPropagation();
    onClose();
    return;
  }
  if (event.key !== 'Tab') {
    return;
  }
  const all = controls(box);
  const edge = event.shiftKey ? all[0] : all.at(-1);
  if (document.activeElement === edge) {
    (event.shiftKey ? all.at(-1) : all[0])?.focus();
    event.preventDefault();
  }
}

function controls(box: HTMLElement | null): HTMLElement[] {
  return [...(box?.querySelectorAll<HTMLElement>('button:not(:disabled), input:not(:disabled), select, textarea, a[href], [tabindex="0"]') ?? [])];
}
