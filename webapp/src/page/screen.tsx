/** Another one's shared screen, to be read: fitted, at its real size, or zoomed and moved, under a bar of its own that never covers it. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import { FullScreenIcon } from '../ui/icons';
import { actionOf, isTyping } from './shortcuts';
import { fitZoom, nextZoom } from './zoom';

export function SharedScreen({ stream, name, keys }: { stream: MediaStream | null; name: string; keys: boolean }) {
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  /** null: as large as there is room. */
  const [zoom, setZoom] = useState<number | null>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useEffect(() => {
    const element = video.current;
    if (element) {
      element.srcObject = stream;
      // Only a picture: browsers play it without being asked. When they do not, the next press of a button does it.
      element.play().catch(() => undefined);
    }
  }, [stream]);
  const measure = () => {
    const element = video.current;
    setSize(element && element.videoWidth > 0 ? { width: element.videoWidth, height: element.videoHeight } : null);
  };
  const fitted = () => fitZoom(frame.current, size);
  // From the zoom of now, not of when this was drawn: two quick presses are two steps.
  const step = (by: 1 | -1) => setZoom((now) => nextZoom(now ?? fitted(), by));
  useZoomKeys(keys, { zoomIn: () => step(1), zoomOut: () => step(-1), fit: () => setZoom(null), real: () => setZoom(1) });
  const percent = Math.round((zoom ?? fitted()) * 100);
  return (
    <section class="cl-share" aria-label={t('screen.label', { name })}>
      <div class="cl-share-bar">
        <span class="cl-name"><bdi>{t('screen.of', { name })}</bdi></span>
        <span class="cl-note">{size && stream ? t('screen.size', size) : t('screen.wait')}</span>
        <span class="cl-grow" />
        <button type="button" class="cl-icon-button" aria-label={t('screen.smaller')} title={t('screen.smaller')} onClick={() => step(-1)}>−</button>
        <output class="cl-percent" data-testid="zoom">{t('volume.value', { percent })}</output>
        <button type="button" class="cl-icon-button" aria-label={t('screen.larger')} title={t('screen.larger')} data-testid="zoom-in" onClick={() => step(1)}>+</button>
        <span class="cl-segments">
          <button type="button" aria-pressed={zoom === null} onClick={() => setZoom(null)}>{t('screen.fit')}</button>
          <button type="button" aria-pressed={zoom === 1} onClick={() => setZoom(1)}>{t('screen.real')}</button>
        </span>
        <button type="button" class="cl-icon-button" aria-label={t('screen.full')} title={t('screen.full')} onClick={() => void video.current?.requestFullscreen?.().catch(() => undefined)}>
          <FullScreenIcon />
        </button>
      </div>
      {/* Zoomed in it scrolls, and the keyboard must reach what scrolls. */}
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: it has a role whenever it has a name. */}
      <div ref={frame} class={zoom === null ? 'cl-picture' : 'cl-picture cl-zoomed'} tabIndex={zoom === null ? undefined : 0} role={zoom === null ? undefined : 'region'} aria-label={zoom === null ? undefined : t('screen.label', { name })} onPointerDown={(event) => zoom !== null && drag(event)}>
        <video
          ref={video} id="screen-player" data-testid="screen-player" autoplay playsInline muted onResize={measure} onLoadedMetadata={measure}
          style={zoom !== null && size ? { width: `${size.width * zoom}px`, height: `${size.height * zoom}px` } : { width: '', height: '' }}
        />
      </div>
    </section>
  );
}

function useZoomKeys(on: boolean, act: Partial<Record<string, () => void>>): void {
  useLayoutEffect(() => {
    const down = (event: KeyboardEvent) => {
      const run = act[actionOf(event, on && !isTyping(event.target)) ?? ''];
      if (run) {
        event.preventDefault();
        run();
      }
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  });
}

/** Moves the picture under the pointer, as one moves a sheet of paper. */
function drag(event: PointerEvent): void {
  const box = event.currentTarget as HTMLElement;
  if (event.button !== 0 || event.pointerType === 'touch') {
    return; // a finger scrolls by itself
  }
  const begin = { x: event.clientX + box.scrollLeft, y: event.clientY + box.scrollTop };
  box.setPointerCapture(event.pointerId);
  const move = (now: PointerEvent) => box.scrollTo(begin.x - now.clientX, begin.y - now.clientY);
  const end = () => {
    box.removeEventListener('pointermove', move);
    box.removeEventListener('pointerup', end);
    box.removeEventListener('pointercancel', end);
  };
  box.addEventListener('pointermove', move);
  box.addEventListener('pointerup', end);
  box.addEventListener('pointercancel', end);
}
