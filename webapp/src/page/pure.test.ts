/** The page's pure functions: settings, trail, facts, keys, zoom, level. */
import { describe, expect, it } from 'vitest';

import { type CallState, newParticipant, noCall } from '../engine/state';
import { lossOf, qualityOf, readFacts } from './facts';
import { levelOf } from './level';
import { readSettings, usualSettings, volumeOf, withVolume, writeSettings } from './settings';
import { actionOf, shortcuts } from './shortcuts';
import { emptyTrail, follow, lookAway, talkedMost, trailMs } from './trail';
import { emptyView, type Incoming, senderOf, type View } from './view';
import { clampZoom, fitZoom, nextZoom, partShown, pinch, scrollAfter } from './zoom';

const call = (...talkers: string[]): CallState => ({
  ...noCall, callID: 'c', participants: new Map(['ana', 'ben'].map((u) => [`s-${u}`, { ...newParticipant(`s-${u}`, u), unmuted: true, voice: talkers.includes(u) }])),
});

describe('the trail', () => {
  it('keeps who talked, how long, and who was last', () => {
    let trail = follow(emptyTrail, call(), call('ana'), 1000);
    trail = follow(trail, call('ana'), call('ana', 'ben'), 3000);
    trail = follow(trail, call('ana', 'ben'), call('ben'), 4000);
    expect(trail.last).toEqual({ userID: 'ben', at: 4000 });
    expect(talkedMost(trail, 5000)).toEqual([
      { userID: 'ana', ms: 3000, spans: [{ from: 1000, to: 4000 }] },
      { userID: 'ben', ms: 2000, spans: [{ from: 3000, to: null }] },
    ]);
    expect(follow(trail, call('ben'), call('ben'), 6000)).toBe(trail);
  });

  it('forgets what is long ago', () => {
    let trail = follow(emptyTrail, call(), call('ana'), 0);
    trail = follow(trail, call('ana'), call(), 1000);
    expect(talkedMost(trail, 1000 + trailMs)).toEqual([]);
    trail = follow(trail, call(), call('ana'), 5000 + trailMs);
    expect(trail.talks.get('ana')).toHaveLength(1);
  });

  it('knows when nobody looked', () => {
    const away = lookAway(emptyTrail, true, 10);
    expect(lookAway(away, true, 20)).toBe(away);
    expect(lookAway(away, false, 30).away).toEqual([{ from: 10, to: 30 }]);
  });
});

describe('whose voice a line carries', () => {
  const line = (mid: string) => ({ mid }) as Incoming;
  const view = (people: string[], senders: [string, string][] = []): View => ({
    ...emptyView, selfID: 's-me', senders: new Map(senders), call: { ...noCall, participants: new Map(people.map((u) => [`s-${u}`, newParticipant(`s-${u}`, u)])) },
  });

  it('is what the server says, in calls of any size', () => {
    const many = view(['me', 'ana', 'ben', 'cem'], [['1', 's-ben'], ['2', 's-ana']]);
    expect([senderOf(many, line('1')), senderOf(many, line('2')), senderOf(many, line('3'))]).toEqual(['s-ben', 's-ana', '']);
  });

  it('follows a line that goes over to another person', () => {
    expect(senderOf(view(['me', 'ana', 'ben'], [['1', 's-ana']]), line('1'))).toBe('s-ana');
    expect(senderOf(view(['me', 'ana', 'ben'], [['1', 's-ben']]), line('1'))).toBe('s-ben');
  });

  it('is the only other one until the server has said', () => {
    expect(senderOf(view(['me', 'ana']), line('1'))).toBe('s-ana');
    expect(senderOf(view(['me', 'ana', 'ben']), line('1'))).toBe('');
  });
});

describe('settings', () => {
  const store = (content: Record<string, string>) => ({ content, getItem: (key: string) => content[key] ?? null, setItem: (key: string, value: string) => {
    content[key] = value;
  } });

  it('come back as they were written', () => {
    const kept = store({});
    const settings = withVolume({ ...usualSettings, input: 'mic1', noiseSuppression: false }, 'u-ana', 140);
    writeSettings(kept, settings);
    expect(readSettings(kept)).toEqual(settings);
    expect(kept.content.calls_default_audio_input).toBe('mic1');
  });

  it('are those that newer clients kept, too', () => {
    const kept = store({ calls_default_audio_input: '{"deviceId":"mic1","label":"Headset"}', calls_default_audio_output: '{"deviceId":7}' });
    expect(readSettings(kept)).toMatchObject({ input: 'mic1', output: '' });
    expect(readSettings(store({ calls_default_audio_input: '{nonsense' })).input).toBe('');
  });

  it.each(['nonsense', '[]', 'null', '{"sounds":"yes","volumes":{"a":900,"b":"x"}}'])('survive %s', (text) => {
    expect(readSettings(store({ calls_settings: text }))).toEqual(usualSettings);
  });

  it('keep volumes in their range, forget 100, and do not grow without bound', () => {
    expect(volumeOf(withVolume(usualSettings, 'a', 999), 'a')).toBe(200);
    expect(volumeOf(withVolume(usualSettings, 'a', -5), 'a')).toBe(0);
    expect(withVolume(withVolume(usualSettings, 'a', 50), 'a', 100).volumes).toEqual({});
    let settings = usualSettings;
    for (let i = 0; i < 600; i++) {
      settings = withVolume(settings, `u${i}`, 50);
    }
    expect(Object.keys(settings.volumes)).toHaveLength(500);
    expect(volumeOf(settings, 'u599')).toBe(50);
  });

  it('are the usual ones where nothing can be kept', () => {
    expect(readSettings(null)).toEqual(usualSettings);
    expect(() => writeSettings({ getItem: () => null, setItem: () => { throw new Error('full'); } }, usualSettings)).not.toThrow();
  });
});

describe('facts', () => {
  const report = (received: number, lost: number, candidate: object = { candidateType: 'host', protocol: 'udp' }) => [
    { id: 't', type: 'transport', selectedCandidatePairId: 'p' },
    { id: 'p', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r', currentRoundTripTime: 0.018 },
    { id: 'l', type: 'local-candidate', ...candidate },
    { id: 'i', type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost, bytesReceived: received * 100, jitterBufferDelay: 2, jitterBufferEmittedCount: 100 },
    { id: 'v', type: 'inbound-rtp', kind: 'video', packetsReceived: 0, packetsLost: 0, framesPerSecond: 7.4, frameWidth: 1280, frameHeight: 720 },
    { id: 'ri', type: 'remote-inbound-rtp', fractionLost: 0.004 },
  ];

  it('say what happened since the last look', () => {
    const first = readFacts(report(100, 0), null, 0);
    expect(first.facts).toMatchObject({ path: 'direct', roundTripMs: 18, lostToUs: null, receiveKbps: 0, bufferedMs: 20 });
    const { facts } = readFacts(report(195, 5), first.counters, 2000);
    expect(facts).toMatchObject({ lostToUs: 5, lostToServer: 0.4, receiveKbps: 38, screen: { width: 1280, height: 720, fps: 7 } });
    expect(lossOf(facts)).toBe(5);
  });

  it.each([
    [{ candidateType: 'host', protocol: 'tcp' }, 'tcp'],
    [{ candidateType: 'relay', protocol: 'udp' }, 'relay'],
  ])('%j is %s', (candidate, path) => {
    expect(readFacts(report(1, 0, candidate), null, 0).facts.path).toBe(path);
  });

  it('say nothing where nothing is known', () => {
    expect(readFacts([], null, 0).facts).toEqual({ path: 'unknown', roundTripMs: null, lostToServer: null, lostToUs: null, bufferedMs: null, sendKbps: 0, receiveKbps: 0, screen: null });
    expect(lossOf(null)).toBe(0);
  });

  it.each([
    [10, 0, 'good'],
    [251, 0, 'fair'],
    [10, 2.1, 'fair'],
    [501, 0, 'poor'],
    [10, 5.1, 'poor'],
  ])('%d ms and %d %% are %s', (ms, lost, quality) => {
    expect(qualityOf(ms, lost)).toBe(quality);
  });
});

describe('keys', () => {
  const press = (code: string, mods = '', key = '') => ({ code, key, ctrlKey: mods.includes('c'), metaKey: mods.includes('m'), shiftKey: mods.includes('s'), altKey: mods.includes('a') });

  it.each([
    [press('Space', 'cs', ' '), 'mute'],
    [press('Space', 'ms', ' '), 'mute'],
    [press('KeyY', 'cs'), 'hand'],
    [press('KeyP', 'a'), 'people'],
    [press('KeyP', 'cs'), 'people'],
    [press('KeyL', 'cs'), 'leave'],
    [press('KeyL', 'csa'), null],
    [press('KeyG', '', 'g'), 'layout'],
    [press('Space', '', ' '), 'talk'],
    [press('Digit1', '', '1'), 'real'],
    [press('KeyQ', '', 'q'), null],
  ])('%j asks for %s', (key, action) => {
    expect(actionOf(key, true)).toBe(action);
  });

  it('single ones count only where they may', () => {
    expect(actionOf(press('KeyG', '', 'g'), false)).toBeNull();
    expect(actionOf(press('KeyG', 'c', 'g'), true)).toBeNull();
  });

  it('are each there once', () => {
    expect(new Set(shortcuts.map((s) => s.shown)).size).toBe(shortcuts.length);
  });
});

describe('zoom', () => {
  it('goes by steps, and stays at the ends', () => {
    expect([nextZoom(1, 1), nextZoom(1, -1), nextZoom(0.8, 1), nextZoom(0.8, -1), nextZoom(4, 1), nextZoom(0.25, -1)]).toEqual([1.25, 0.75, 1, 0.75, 4, 0.25]);
  });

  it('fits by the narrower side', () => {
    expect(fitZoom({ clientWidth: 640, clientHeight: 720 }, { width: 1280, height: 720 })).toBe(0.5);
    expect(fitZoom(null, { width: 1280, height: 720 })).toBe(1);
  });

  it.each<[string, [number, number, number, number, number], number]>([
    ['from the middle, the middle stays', [0, 300, 600, 600, 1200], 300],
    ['at the start edge, the edge stays', [0, 0, 600, 600, 1200], 0],
    ['the point under the finger stays', [100, 200, 600, 1200, 2400], 400],
    ['out again, back to where it was', [400, 200, 600, 2400, 1200], 100],
    ['from a picture with margins', [0, 300, 600, 300, 900], 150],
    ['never beyond the picture', [600, 600, 600, 1200, 1300], 700],
    ['nowhere when all of it has room', [300, 300, 600, 1200, 400], 0],
  ])('scrolls so that %s', (_, args, scroll) => {
    expect(scrollAfter(...args)).toBe(scroll);
  });

  it('follows two fingers: how far apart, around which point, and where to', () => {
    const before = [{ x: 100, y: 100 }, { x: 200, y: 100 }] as const;
    expect(pinch(before, [{ x: 80, y: 120 }, { x: 280, y: 120 }])).toEqual({ factor: 2, focus: { x: 180, y: 120 }, by: { x: 30, y: 20 } });
    expect(pinch([before[0], before[0]], before).factor).toBe(1);
    expect([clampZoom(0.01), clampZoom(1.234), clampZoom(99)]).toEqual([0.25, 1.234, 4]);
  });

  it('knows which part is shown', () => {
    const frame = { scrollLeft: 320, scrollTop: 0, clientWidth: 640, clientHeight: 720 };
    expect(partShown(frame, { width: 1280, height: 720 }, 1)).toEqual({ left: 25, top: 0, width: 50, height: 100 });
    expect(partShown(frame, { width: 1280, height: 720 }, 0.5)).toBeNull();
  });
});

it('the level follows the ear: silence is 0, full scale is 1, and half way lies far below half', () => {
  const tone = (amplitude: number) => new Float32Array(1024).fill(amplitude);
  expect(levelOf(tone(0))).toBe(0);
  expect(levelOf(tone(1))).toBe(1);
  expect(levelOf(tone(0.0316))).toBeCloseTo(0.5, 2);
});
