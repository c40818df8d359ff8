import { describe, expect, it } from 'vitest';

import { OwnMicrophone } from './own_microphone';
import { usualSettings } from './settings';

interface FakeTrack {
  onended: (() => void) | null;
  stopped: boolean;
  stop(): void;
}

/** A browser that gives microphones when the test says so. */
function world() {
  const asked: { give(): FakeTrack; refuse(): void }[] = [];
  const lost: string[] = [];
  const openMicrophone = () =>
    new Promise<MediaStreamTrack>((resolve, reject) => {
      asked.push({
        give: () => {
          const track: FakeTrack = { onended: null, stopped: false, stop: () => { track.stopped = true; } };
          resolve(track as unknown as MediaStreamTrack);
          return track;
        },
        refuse: () => reject(new Error('NotReadableError')),
      });
    });
  const microphone = new OwnMicrophone({ openMicrophone, watchLevel: () => () => undefined }, { settings: () => usualSettings, voice: () => undefined, lost: () => lost.push('lost') });
  return { asked, lost, microphone };
}

describe('the own microphone', () => {
  it('that comes when it is wanted no more is given back', async () => {
    const { asked, microphone } = world();
    const opening = microphone.open();
    microphone.release();
    const track = asked[0]?.give();
    expect(await opening).toBe('none');
    expect(track?.stopped).toBe(true);
    expect(microphone.track).toBeNull();
  });

  it('asked for twice is held once, in whatever order they come', async () => {
    const { asked, microphone } = world();
    const [first, second] = [microphone.open(), microphone.open()];
    const newer = asked[1]?.give();
    await second;
    const older = asked[0]?.give();
    expect(await first).toBe('open');
    expect([older?.stopped, newer?.stopped]).toEqual([true, false]);
    expect(microphone.track).toBe(newer);
  });

  it('is not lost to an earlier question that was refused', async () => {
    const { asked, microphone } = world();
    const [first, second] = [microphone.open(), microphone.open()];
    const track = asked[1]?.give();
    await second;
    asked[0]?.refuse();
    await first;
    expect(microphone.track).toBe(track);
  });

  it('says once that the system took it away', async () => {
    const { asked, lost, microphone } = world();
    const opening = microphone.open();
    const track = asked[0]?.give();
    await opening;
    track?.onended?.();
    track?.onended?.();
    expect(lost).toEqual(['lost']);
    expect(microphone.track).toBeNull();
  });
});
