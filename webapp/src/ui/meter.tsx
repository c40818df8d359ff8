/** Hearing oneself: the level of a microphone, and three seconds of it played back. */
import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../i18n';
import { meter } from '../page/level';

const bars = 24;
/** Below this nothing is heard, and for so long it must not be before the meter says so. */
const silentLevel = 0.08;
const silentMs = 3000;

/** The level as bars and, once it is clear, as words. */
export function Meter({ track }: { track: MediaStreamTrack }) {
  const [level, setLevel] = useState(0);
  const [silent, setSilent] = useState<boolean | null>(null);
  const heardAt = useRef(0);
  useEffect(() => {
    heardAt.current = performance.now();
    return meter(track, (now) => {
      setLevel(now);
      if (now >= silentLevel) {
        heardAt.current = performance.now();
        setSilent(false);
      } else if (performance.now() - heardAt.current > silentMs) {
        setSilent(true);
      }
    });
  }, [track]);
  return (
    <div class="cl-meter" data-testid="level" data-level={level.toFixed(2)}>
      <span class="cl-bars" aria-hidden="true">
        {Array.from({ length: bars }, (_, i) => <span key={i} class={i < Math.round(level * bars) ? 'cl-lit' : ''} />)}
      </span>
      <span class="cl-note" role="status">{silent === null ? t('check.listening') : t(silent ? 'check.silent' : 'check.heard')}</span>
    </div>
  );
}

const recordMs = 3000;

/** Records three seconds and plays them: what others would hear, with the switches as they are. */
export function Playback({ track, output }: { track: MediaStreamTrack; output: string }) {
  const [state, setState] = useState<'idle' | 'recording' | 'ready'>('idle');
  const audio = useRef<HTMLAudioElement>(null);
  const address = useRef('');
  useEffect(() => () => URL.revokeObjectURL(address.current), []);
  const record = () => {
    const recorder = new MediaRecorder(new MediaStream([track]));
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = () => {
      URL.revokeObjectURL(address.current);
      address.current = URL.createObjectURL(new Blob(parts, { type: recorder.mimeType }));
      setState('ready');
    };
    recorder.start();
    setState('recording');
    setTimeout(() => recorder.state === 'recording' && recorder.stop(), recordMs);
  };
  const play = async () => {
    const element = audio.current as (HTMLAudioElement & { setSinkId?(id: string): Promise<void> }) | null;
    if (element) {
      element.src = address.current;
      await element.setSinkId?.(output).catch(() => undefined);
      await element.play();
    }
  };
  return (
    <div class="cl-wrap">
      <button type="button" class="cl-outline" data-testid="check-record" disabled={state === 'recording'} onClick={record}>
        {t(state === 'recording' ? 'check.recording' : 'check.record')}
      </button>
      <button type="button" class="cl-quiet" data-testid="check-play" disabled={state !== 'ready'} onClick={() => void play().catch(() => undefined)}>{t('check.play')}</button>
      {/* biome-ignore lint/a11y/useMediaCaption: it is what the person just said. */}
      <audio ref={audio} />
    </div>
  );
}
