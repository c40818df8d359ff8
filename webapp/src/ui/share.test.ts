import { describe, expect, it } from 'vitest';

import { desktopConstraints, isScreen } from './share';

describe('sharing in the desktop app', () => {
  it('asks for sound only with a whole screen, and only where it is wanted', () => {
    expect(desktopConstraints('screen:0:0', true).audio).toEqual({ mandatory: { chromeMediaSource: 'desktop' } });
    expect(desktopConstraints('screen:0:0', false).audio).toBe(false);
    expect(desktopConstraints('window:7:0', true)).toMatchObject({ audio: false, video: { mandatory: { chromeMediaSource: 'desktop', chromeMediaSourceId: 'window:7:0' } } });
    expect([isScreen('screen:1:0'), isScreen('window:1:0')]).toEqual([true, false]);
  });
});
