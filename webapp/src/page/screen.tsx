/** Another one's shared screen: fitted or at its real size, under a bar of its own that never covers it. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import { FullScreenIcon } from './icons';

export function SharedScreen({ stream, name }: { stream: MediaStream | null; name: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const [real, setReal] = useState(false);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) {
      return;
    }
    element.srcObject = stream;
    // Only a picture: browsers play it without being asked. When they do not, the next press of a button does it.
    element.play().catch(() => undefined);
  }, [stream]);
  const measure = () => {
    const element = video.current;
    setSize(element && element.videoWidth > 0 ? { width: element.videoWidth, height: element.videoHeight } : null);
  };
  return (
    <section class="share" aria-label={t('screen.label', { name })}>
      <div class="share-bar">
        <span class="name"><bdi>{t('screen.of', { name })}</bdi></span>
        <span class="quiet small">{size && stream ? t('screen.size', size) : t('screen.wait')}</span>
        <span class="grow" />
        <span class="choice">
          <button type="button" aria-pressed={!real} onClick={() => setReal(false)}>{t('screen.fit')}</button>
          <button type="button" aria-pressed={real} onClick={() => setReal(true)}>{t('screen.real')}</button>
        </span>
        <button type="button" class="icon-button" aria-label={t('screen.full')} title={t('screen.full')} onClick={() => void video.current?.requestFullscreen?.().catch(() => undefined)}>
          <FullScreenIcon />
        </button>
      </div>
      {/* At real size it scrolls, and the keyboard must reach what scrolls. */}
      <div class={real ? 'picture real' : 'picture'} tabIndex={real ? 0 : undefined}>
        <video ref={video} id="screen-player" data-testid="screen-player" autoplay playsInline muted onResize={measure} onLoadedMetadata={measure} />
      </div>
    </section>
  );
}
