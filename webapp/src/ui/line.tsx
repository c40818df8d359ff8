/** How the connection is: bars, a word, the way and the delay. */
import { t } from '../i18n';
import { lossOf, type Quality, qualityOf } from '../page/facts';
import type { View } from '../page/view';
import { BarsIcon } from './icons';

const bars: Readonly<Record<Quality, number>> = { good: 4, fair: 2, poor: 1 };

export function Line({ view, onOpen }: { view: View; onOpen(): void }) {
  const { phase } = view.status;
  const delay = view.roundTrip ?? view.facts?.roundTripMs ?? null;
  const quality = phase === 'connected' && delay !== null ? qualityOf(delay, lossOf(view.facts, view.weak.size > 0)) : null;
  const path = view.facts && view.facts.path !== 'unknown' ? t(`path.short.${view.facts.path}`) : '';
  const parts = quality ? [t(`quality.${quality}`), path, t('quality.ms', { ms: Math.round(delay ?? 0) })] : [t(`status.${phase}`)];
  return (
    <button type="button" class={`cl-line cl-${quality ?? phase}`} data-testid="connection" data-phase={phase} title={t('facts.title')} onClick={onOpen}>
      <BarsIcon lit={quality ? bars[quality] : 0} />
      <span class="cl-sr">{t('quality.label')}</span>
      <span class="cl-text">{parts.filter(Boolean).join(' · ')}</span>
    </button>
  );
}
