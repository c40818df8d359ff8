/** Calls that come in: who calls, and the four things to do about it. What nobody took becomes a note. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { ringMs } from '../host/state';
import { t } from '../i18n';
import { playSound } from '../page/sounds';
import { Avatar } from '../ui/avatar';
import { BellOffIcon, ChevronIcon, CloseIcon, HangUpIcon, PhoneIcon, ThreadIcon } from '../ui/icons';
import { useNow } from '../ui/use_store';
import type { InCall, Ring } from './ui';

const ringEveryMs = 3000;
const replies = ['ring.reply.later', 'ring.reply.busy', 'ring.reply.soon'] as const;

export function Rings({ ui, rings }: { ui: InCall; rings: readonly Ring[] }) {
  const box = useRef<HTMLElement>(null);
  useRingKey(box);
  const shown = rings.filter(isShown).length > 0;
  return (
    <section ref={box} class={shown ? 'cl-rings' : ''} {...(shown ? { 'aria-label': t('ring.label') } : {})}>
      {rings.map((ring) => <One key={ring.channelID} ui={ui} ring={ring} />)}
    </section>
  );
}

/** Who wants to be left in peace hears and sees nothing, and finds a note afterwards. */
function isShown(ring: Ring): boolean {
  return ring.missed === true || !ring.quiet;
}

function One({ ui, ring }: { ui: InCall; ring: Ring }) {
  const left = Math.max(0, ringMs - (useNow(1000) - ring.at));
  useEffect(() => {
    if (left === 0 && !ring.missed) {
      ui.missed(ring.channelID);
    }
  }, [ui, left, ring.missed, ring.channelID]);
  if (!isShown(ring)) {
    return null;
  }
  return ring.missed ? <Missed ui={ui} ring={ring} /> : <Ringing ui={ui} ring={ring} left={left} />;
}

function Missed({ ui, ring }: { ui: InCall; ring: Ring }) {
  const back = () => {
    ui.stopRinging(ring.channelID);
    ui.bridge.answer(ring.channelID);
  };
  return (
    <div class="cl-ringing" role="status" data-testid="missed-call">
      <Avatar id={ring.callerID} name={ring.caller} />
      <p>{t('ring.missed', { name: ring.caller })}</p>
      <button type="button" class="cl-quiet" data-testid="ring-back" onClick={back}>{t('ring.back')}</button>
      <button type="button" class="cl-icon-button" aria-label={t('notice.dismiss')} title={t('notice.dismiss')} onClick={() => ui.stopRinging(ring.channelID)}><CloseIcon /></button>
    </div>
  );
}

/** It takes no focus: somebody who types must not answer by Enter. F6 leads to it. */
function Ringing({ ui, ring, left }: { ui: InCall; ring: Ring; left: number }) {
  const silent = ring.silent === true;
  useEffect(() => {
    if (silent) {
      return;
    }
    playSound('ring');
    const timer = setInterval(() => playSound('ring'), ringEveryMs);
    return () => clearInterval(timer);
  }, [silent]);
  const decline = () => {
    ui.stopRinging(ring.channelID);
    ui.bridge.decline(ring.callID, ring.channelID);
  };
  const answer = () => {
    ui.stopRinging(ring.channelID);
    ui.bridge.answer(ring.channelID);
  };
  const reply = (text: string) => {
    decline();
    ui.reply(ring.channelID, text);
  };
  return (
    <div class="cl-ringing cl-is-ringing" role="alert" data-testid="ringing" id="calls-ringing">
      <RunDown left={left} />
      <Avatar id={ring.callerID} name={ring.caller} ring size={56} />
      <p>
        <strong>{t('ring.text', { name: ring.caller })}</strong>
        {ring.group !== '' && <span class="cl-note cl-block">{t('ring.group', { channel: ring.group })}</span>}
        {ring.inCall && <span class="cl-note cl-block">{t('ring.leaves')}</span>}
        <span class="cl-sr">{t('ring.key')}</span>
      </p>
      <button type="button" class="cl-icon-button" data-testid="ring-silence" aria-label={t('ring.silence')} title={t('ring.silence')} aria-pressed={silent} aria-disabled={silent} onClick={() => ui.silence(ring.channelID)}><BellOffIcon /></button>
      <div class="cl-buttons cl-halves">
        <button type="button" class="cl-quiet cl-danger" data-testid="ring-decline" onClick={decline}><HangUpIcon />{t('ring.decline')}</button>
        <button type="button" class="cl-primary" data-testid="ring-answer" data-safe onClick={answer}><PhoneIcon />{t('ring.answer')}</button>
      </div>
      <Replies onReply={reply} />
    </div>
  );
}

/** The first reply is one press; the others lie behind an arrow. */
function Replies({ onReply }: { onReply(text: string): void }) {
  const [open, setOpen] = useState(false);
  const button = (key: (typeof replies)[number]) => (
    <button type="button" key={key} class="cl-reply-button" data-testid={key} onClick={() => onReply(t(key))}><ThreadIcon />{t('ring.reply', { text: t(key) })}</button>
  );
  return (
    <div class="cl-replies">
      {button(replies[0])}
      <button type="button" class={`cl-icon-button${open ? '' : ' cl-down'}`} data-testid="ring-replies" aria-expanded={open} aria-label={t('ring.replies')} title={t('ring.replies')} onClick={() => setOpen(!open)}><ChevronIcon /></button>
      {open && replies.slice(1).map(button)}
    </div>
  );
}

/** How long it still rings: a line that runs down, or for those who want nothing to move the seconds, in steps. */
function RunDown({ left }: { left: number }) {
  const still = window.matchMedia?.('(prefers-reduced-motion: reduce)').matches;
  if (still) {
    return <span class="cl-note cl-run-words" aria-hidden="true">{t('ring.seconds', { seconds: Math.ceil(left / 5000) * 5 })}</span>;
  }
  return <progress class="cl-run" max={ringMs} value={left} aria-hidden="true" />;
}

/** F6 goes to the newest call that rings, and back to where the focus was. */
function useRingKey(box: { readonly current: HTMLElement | null }): void {
  const from = useRef<Element | null>(null);
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      const answer = box.current?.querySelector<HTMLElement>('.cl-is-ringing [data-safe]');
      if (event.key !== 'F6' || !answer) {
        return;
      }
      event.preventDefault();
      event.stopPropagation(); // the host goes through its own regions by this key
      if (box.current?.contains(document.activeElement)) {
        (from.current as HTMLElement | null)?.focus?.();
      } else {
        from.current = document.activeElement;
        answer.focus();
      }
    };
    window.addEventListener('keydown', down, true);
    return () => window.removeEventListener('keydown', down, true);
  }, [box]);
}
