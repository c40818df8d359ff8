import { afterEach, expect, it, vi } from 'vitest';

/** An audio context that is silent until the person pressed something, and what it was made to play. */
function silentBrowser() {
  const played: number[] = [];
  let allow: () => void = () => undefined;
  const allowed = new Promise<void>((resolve) => {
    allow = resolve;
  });
  const node = { connect: (next: object) => next, gain: { setValueAtTime: () => undefined, linearRampToValueAtTime: () => undefined } };
  class Context {
    state = 'suspended';
    currentTime = 0;
    createGain = () => node;
    createOscillator = () => ({ ...node, frequency: { value: 0 }, start: (at: number) => played.push(at), stop: () => undefined });
    resume = () => allowed.then(() => { this.state = 'running'; });
  }
  vi.stubGlobal('AudioContext', Context);
  return { played, allow };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
  vi.restoreAllMocks();
});

it('plays no sound late, when all that waited would come at once', async () => {
  const { played, allow } = silentBrowser();
  const { playSound } = await import('./sounds');
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
  playSound('joinUser');
  playSound('hand');
  clock.mockReturnValue(4000);
  allow();
  await new Promise((resolve) => setTimeout(resolve)); // whatever waited for it has begun
  expect(played).toEqual([]);
  playSound('joinUser');
  expect(played).toHaveLength(2);
});

it('plays a sound for which the browser needs a moment', async () => {
  const { played, allow } = silentBrowser();
  const { playSound } = await import('./sounds');
  playSound('hand');
  allow();
  await vi.waitFor(() => expect(played).toHaveLength(2));
});
