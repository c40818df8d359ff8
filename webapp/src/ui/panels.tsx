/** The smaller panels: the connection in plain words, who talked, and the keys. */
import { useState } from 'preact/hooks';

import { decimal, t } from '../i18n';
import type { CallStore } from '../page/call_store';
import { lossOf, qualityOf } from '../page/facts';
import { clock } from '../page/sentences';
import { shortcuts } from '../page/shortcuts';
import { talkedMost, trailMs } from '../page/trail';
import type { View } from '../page/view';
import { Avatar } from './avatar';
import { Panel } from './dialog';
import { useNow } from './use_store';

interface Props {
  store: CallStore;
  view: View;
  onClose(): void;
}

export function ConnectionPanel({ view, onClose }: Props) {
  const { facts } = view;
  const delay = facts?.roundTripMs ?? view.roundTrip;
  const lost = lossOf(facts, view.weak.size > 0);
  const quality = t(`quality.${qualityOf(delay ?? 0, lost)}`);
  const [copied, setCopied] = useState(false);
  const rows: [string, string][] = facts
    ? [
        [t('facts.out'), loss(facts.lostToServer)],
        [t('facts.in'), [loss(facts.lostToUs), ...(facts.bufferedMs === null ? [] : [t('facts.buffered', { ms: facts.bufferedMs })])].join(' · ')],
        [t('facts.sending'), t('facts.rate', { kbps: facts.sendKbps })],
        [t('facts.receiving'), t('facts.rate', { kbps: facts.receiveKbps })],
        ...(facts.screen ? [[t('facts.screen'), t('facts.screen.size', facts.screen)] as [string, string]] : []),
      ]
    : [];
  const copy = async () => {
    await navigator.clipboard.writeText(JSON.stringify({ status: view.status, facts, callID: view.call.callID, sessionID: view.selfID, browser: navigator.userAgent }, null, 1));
    setCopied(true);
  };
  return (
    <Panel id="calls-connection" title={t('facts.title')} onClose={onClose}>
      <div class="cl-pad">
        <p data-testid="connection-words">
          <strong>{t('facts.how', { quality, path: t(`path.${facts?.path ?? 'unknown'}`) })}</strong>
          {delay !== null && <span class="cl-block">{t('facts.delay', { ms: Math.round(delay), lost: decimal(lost, 1) })}</span>}
        </p>
        <dl class="cl-facts">
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <button type="button" class="cl-outline" onClick={() => void copy().catch(() => undefined)}>{t(copied ? 'facts.copied' : 'facts.copy')}</button>
      </div>
    </Panel>
  );
}

function loss(percent: number | null): string {
  return percent === null ? t('facts.nothing') : t('facts.lost', { percent: decimal(percent, 1) });
}

export function TalkedPanel({ store, view, onClose }: Props) {
  const now = useNow(1000);
  const from = now - trailMs;
  const bar = (span: { from: number; to: number | null }) => {
    const begin = Math.max(span.from, from);
    return { insetInlineStart: `${((begin - from) / trailMs) * 100}%`, width: `${Math.max(0.6, (((span.to ?? now) - begin) / trailMs) * 100)}%` };
  };
  const rows = talkedMost(view.trail, now);
  return (
    <Panel id="calls-talked" title={t('talked.title')} onClose={onClose}>
      <div class="cl-pad">
        {rows.length === 0 && <p class="cl-note">{t('talked.none')}</p>}
        <ul class="cl-talked">
          {rows.map(({ userID, ms, spans }) => (
            <li key={userID}>
              <Avatar id={userID} name={store.nameOf(userID)} size={24} />
              <span class="cl-name"><bdi>{store.nameOf(userID)}</bdi></span>
              <span class="cl-track" aria-hidden="true">
                {view.trail.away.map((span) => <span key={`a${span.from}`} class="cl-away" style={bar(span)} />)}
                {spans.map((span) => <span key={span.from} class="cl-span" style={bar(span)} />)}
              </span>
              <span class="cl-time">{clock(ms)}</span>
            </li>
          ))}
        </ul>
        <p class="cl-note">{t('talked.note')}</p>
      </div>
    </Panel>
  );
}

export function KeysPanel({ store, view, onClose }: Props) {
  return (
    <Panel id="calls-keys" title={t('keys.title')} onClose={onClose}>
      <div class="cl-pad">
        <dl class="cl-facts">
          {shortcuts.map(({ name, shown }) => (
            <div key={name}>
              <dt>{t(`keys.${name}`)}</dt>
              <dd><kbd>{shown}</kbd></dd>
            </div>
          ))}
        </dl>
        <label class="cl-switch">
          <input type="checkbox" role="switch" aria-checked={view.settings.singleKeys} checked={view.settings.singleKeys} onChange={(e) => void store.configure({ singleKeys: e.currentTarget.checked })} />
          {t('keys.single')}
        </label>
      </div>
    </Panel>
  );
}
