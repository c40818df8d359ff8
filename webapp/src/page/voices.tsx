/** The sound of the others: one element a stream, as no browser is sure to play all tracks of one. */
import { useEffect, useRef } from 'preact/hooks';

import type { Incoming } from './store';

interface Props {
  /** Another number: play again what the browser refused. */
  attempt: number;
  onBlocked(): void;
}

export function Voices({ voices, ...rest }: Props & { voices: readonly Incoming[] }) {
  return (
    <div hidden>
      {voices.map((voice) => (
        <Voice key={voice.track.id} stream={voice.stream} {...rest} />
      ))}
    </div>
  );
}

function Voice({ stream, attempt, onBlocked }: Props & { stream: MediaStream }) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const element = audio.current;
    if (element) {
      element.srcObject = stream;
    }
  }, [stream]);
  useEffect(() => {
    audio.current?.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') {
        onBlocked();
      }
    });
  }, [stream, attempt, onBlocked]);
  // biome-ignore lint/a11y/useMediaCaption: people who talk live have no captions.
  return <audio ref={audio} autoplay data-testid="voice" />;
}
