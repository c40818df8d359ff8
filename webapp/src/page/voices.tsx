/** The sound of the others: one element a stream, as no browser is sure to play all tracks of one, each as loud as its person is to be. */
import { useEffect, useRef } from 'preact/hooks';

import { volumeOf } from './settings';
import { senderOf, type View } from './view';

interface Props {
  view: View;
  onBlocked(): void;
}

export function Voices({ view, onBlocked }: Props) {
  return (
    <div hidden>
      {view.voices.map((voice) => {
        const owner = view.call.participants.get(senderOf(view, voice));
        const volume = owner ? volumeOf(view.settings, owner.userID) : 100;
        return <Voice key={voice.track.id} stream={voice.stream} output={view.settings.output} attempt={view.soundAttempt} volume={volume} onBlocked={onBlocked} />;
      })}
    </div>
  );
}

interface VoiceProps {
  stream: MediaStream;
  output: string;
  /** Another number: play again what the browser refused. */
  attempt: number;
  /** In percent, up to 200. */
  volume: number;
  onBlocked(): void;
}

function Voice({ stream, output, attempt, volume, onBlocked }: VoiceProps) {
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    if (audio.current) {
      audio.current.srcObject = stream;
    }
  }, [stream]);
  useEffect(() => {
    const element = audio.current as (HTMLAudioElement & { setSinkId?(id: string): Promise<void> }) | null;
    // A speaker that is gone: the browser goes on with its own choice.
    void element?.setSinkId?.(output).catch(() => undefined);
  }, [output]);
  useEffect(() => {
    audio.current?.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') {
        onBlocked();
      }
    });
  }, [stream, attempt, onBlocked]);
  useEffect(() => (audio.current ? applyVolume(audio.current, stream, volume, output) : undefined), [stream, volume, output, attempt]);
  // biome-ignore lint/a11y/useMediaCaption: people who talk live have no captions.
  return <audio ref={audio} autoplay data-testid="voice" data-volume={volume} />;
}

/** Up to 100 the element does it. Above, the element falls silent, and the same stream goes through an amplifier, as soon as the browser lets that one play. */
function applyVolume(element: HTMLAudioElement, stream: MediaStream, volume: number, output: string): (() => void) | undefined {
  if (volume <= 100) {
    element.volume = volume / 100;
    return undefined;
  }
  const audio = new AudioContext() as AudioContext & { setSinkId?(id: string): Promise<void> };
  const gain = audio.createGain();
  gain.gain.value = volume / 100;
  audio.createMediaStreamSource(stream).connect(gain).connect(audio.destination);
  void audio.setSinkId?.(output).catch(() => undefined);
  const share = () => {
    element.volume = audio.state === 'running' ? 0 : 1;
  };
  audio.onstatechange = share;
  share();
  void audio.resume().catch(() => undefined);
  return () => {
    audio.onstatechange = null;
    void audio.close();
  };
}
