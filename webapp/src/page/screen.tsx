/** Another one's shared screen, to be read: fitted, at its real size, or zoomed and moved, under a bar of its own that never covers it. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import { FullScreenIcon } from '../ui/icons';
import { actionOf, isTyping } from './shortcuts';
import { useZoom, type Zoom } from './use_zoom';
import { partShown, type Size } from './zoom';

export function SharedScreen({ stream, name, keys }: { stream: MediaStream | null; name: string; keys: boolean }) {
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  const [moves, setMoves] = useState(0);
  useStream(video, stream);
  const measure = () => {
    const element = video.current;
    setSize(element && element.videoWidth > 0 ? { width: element.videoWidth, height: element.videoHeight } : null);
  };
  const zooming = useZoom(frame, size);
  const { zoom, step, fit, real } = zooming;
  useZoomKeys(keys, { zoomIn: () => step(1), zoomOut: () => step(-1), fit, real });
  const zoomed = zoom !== null;
  return (
    <section class="cl-share" aria-label={t('screen.label', { name })}>
      <Bar name={name} size={stream ? size : null} zooming={zooming} onFullScreen={() => void video.current?.requestFullscreen?.().catch(() => undefined)} />
      {/* Zoomed in it scrolls, and the keyboard must reach what scrolls. A screen is never mirrored, whatever the language. */}
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: it has a role whenever it has a name. */}
      <div ref={frame} dir="ltr" class={zoomed ? 'cl-picture cl-zoomed' : 'cl-picture'} data-testid="picture" tabIndex={zoomed ? 0 : undefined} role={zoomed ? 'region' : undefined} aria-label={zoomed ? t('screen.label', { name }) : undefined} onScroll={() => setMoves((n) => n + 1)}>
        <video
          ref={video} id="screen-player" data-testid="screen-player" autoplay playsInline muted onResize={measure} onLoadedMetadata={measure}
          style={zoomed && size ? { width: `${size.width * zoom}px`, height: `${size.height * zoom}px` } : { width: '', height: '' }}
        />
      </div>
      {zoomed && size && <Overview stream={stream} frame={frame} size={size} zoom={zoom} moves={moves} />}
    </section>
  );
}

function Bar({ name, size, zooming, onFullScreen }: { name: string; size: Size | null; zooming: Zoom; onFullScreen(): void }) {
  const { zoom, fitted, step, fit, real } = zooming;
  const percent = Math.round((zoom ?? fitted) * 100);
  return (
    <div class="cl-share-bar">
      <span class="cl-name"><bdi>{t('screen.of', { name })}</bdi></span>
      <span class="cl-note" {...(size ? { dir: 'ltr' } : {})}>{size ? t('screen.size', { width: size.width, height: size.height }) : t('screen.wait')}</span>
      <span class="cl-grow" />
      <button type="button" class="cl-icon-button" aria-label={t('screen.smaller')} title={t('screen.smaller')} data-testid="zoom-out" onClick={() => step(-1)}>−</button>
      <output class="cl-percent" dir="ltr" data-testid="zoom">{t('volume.value', { percent })}</output>
      <button type="button" class="cl-icon-button" aria-label={t('screen.larger')} title={t('screen.larger')} data-testid="zoom-in" onClick={() => step(1)}>+</button>
      <span class="cl-segments">
        <button type="button" aria-pressed={zoom === null} data-testid="zoom-fit" onClick={fit}>{t('screen.fit')}</button>
        <button type="button" aria-pressed={zoom === 1} data-testid="zoom-real" onClick={real}>{t('screen.real')}</button>
      </span>
      <button type="button" class="cl-icon-button" aria-label={t('screen.full')} title={t('screen.full')} onClick={onFullScreen}><FullScreenIcon /></button>
    </div>
  );
}

/** How long the overview stays when nothing moves any more. */
const overviewMs = 2000;

interface OverviewProps {
  stream: MediaStream | null;
  frame: { readonly current: HTMLDivElement | null };
  size: Size;
  zoom: number;
  /** Another number: the picture moved. */
  moves: number;
}

/** The whole screen, small, with the part that is seen; there while something moves. The picture itself shows the same, so it is decoration. */
function Overview({ stream, frame, size, zoom, moves }: OverviewProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [shown, setShown] = useState(true);
  useStream(video, stream);
  useEffect(() => {
    setShown(true);
    const timer = setTimeout(() => setShown(false), overviewMs);
    return () => clearTimeout(timer);
  }, [moves, zoom]);
  const part = frame.current ? partShown(frame.current, size, zoom) : null;
  const box = part ? { left: `${part.left}%`, top: `${part.top}%`, width: `${part.width}%`, height: `${part.height}%` } : {};
  return (
    <div class="cl-overview" dir="ltr" aria-hidden="true" data-testid="overview" data-shown={shown && part !== null} hidden={!shown || part === null}>
      <video ref={video} autoplay playsInline muted tabIndex={-1} />
      <span style={box} />
    </div>
  );
}

function useStream(video: { readonly current: HTMLVideoElement | null }, stream: MediaStream | null): void {
  useEffect(() => {
    const element = video.current;
    if (element) {
      element.srcObject = stream;
      // Only a picture: browsers play it without being asked. When they do not, the next press of a button does it.
      element.play().catch(() => undefined);
    }
  }, [video, stream]);
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
