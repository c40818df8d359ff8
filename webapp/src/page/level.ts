/** How loud a microphone is, ten times a second. */

const everyMs = 100;
/** The quietest that the meter shows, in decibels below full scale. */
const floorDB = -60;

/** Calls back with the level from 0 to 1 until the function that it gives back is called. Where the browser has no audio context there is no level. */
export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  if (typeof AudioContext === 'undefined') {
    return () => undefined;
  }
  const audio = new AudioContext();
  const analyser = audio.createAnalyser();
  analyser.fftSize = 1024;
  audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, everyMs);
  return () => {
    clearInterval(timer);
    void audio.close();
  };
}

/** From the samples' mean power to a scale that grows as ears hear. */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, s) => sum + s * s, 0) / Math.max(1, samples.length);
  const db = power > 0 ? 10 * Math.log10(power) : floorDB;
  return Math.min(1, Math.max(0, 1 - db / floorDB));
}
