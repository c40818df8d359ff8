/** The client's sounds, made from tones when they are needed: short, quiet, and our own. */

/** A tone: its pitch in hertz, when it begins and how long it lasts, in seconds. */
type Tone = readonly [pitch: number, at: number, length: number];

const melodies = {
  joinSelf: [[523, 0, 0.09], [784, 0.1, 0.16]],
  joinUser: [[659, 0, 0.09], [784, 0.09, 0.1]],
  leaveSelf: [[784, 0, 0.09], [523, 0.1, 0.16]],
  hand: [[880, 0, 0.07], [880, 0.12, 0.09]],
  ring: [[659, 0, 0.22], [784, 0.25, 0.22], [659, 0.7, 0.22], [784, 0.95, 0.3]],
  test: [[392, 0, 0.15], [523, 0.17, 0.15], [659, 0.34, 0.25]],
} as const satisfies Record<string, readonly Tone[]>;

export type Sound = keyof typeof melodies;

const loudness = 0.12;

/** A sound that the browser holds back for longer is not played any more: a late one would only confuse, and many at once would frighten. */
const lateMs = 500;

let context: AudioContext | null = null;

/** Plays a sound on the chosen speaker, unless the browser plays none before the person has pressed something. */
export function playSound(sound: Sound, output = ''): void {
  if (typeof AudioContext === 'undefined') {
    return;
  }
  context ??= new AudioContext();
  const routed = context as AudioContext & { setSinkId?(id: string): Promise<void> };
  void routed.setSinkId?.(output).catch(() => undefined);
  const [audio, asked] = [context, performance.now()];
  const begin = () => {
    for (const tone of performance.now() - asked < lateMs ? melodies[sound] : []) {
      play(audio, tone);
    }
  };
  if (audio.state === 'running') {
    begin();
  } else {
    void audio.resume().then(begin, () => undefined);
  }
}

function play(audio: AudioContext, [pitch, at, length]: Tone): void {
  const begin = audio.currentTime + at + 0.01;
  const tone = audio.createOscillator();
  const level = audio.createGain();
  tone.type = 'sine';
  tone.frequency.value = pitch;
  // Without a rise and a fall a tone begins and ends with a click.
  level.gain.setValueAtTime(0, begin);
  level.gain.linearRampToValueAtTime(loudness, begin + 0.015);
  level.gain.setValueAtTime(loudness, begin + length - 0.04);
  level.gain.linearRampToValueAtTime(0, begin + length);
  tone.connect(level).connect(audio.destination);
  tone.start(begin);
  tone.stop(begin + length);
}
