/** The browser's own objects in the form that the engine and the store want them. With the sounds, the only file that reaches for them. */
import { Api } from '../engine/api';
import type { Env, Socket } from '../engine/env';
import { CallsError } from '../engine/errors';
import { pluginID } from '../manifest';
import type { Surroundings } from './surroundings';
import { meter } from './level';
import { readSettings, type Settings, writeSettings } from './settings';
import { playSound } from './sounds';
import type { Devices } from './view';

/** Louder than this is a voice, on the meter's scale from 0 to 1. */
const voiceLevel = 0.25;
/** How long a voice must last before it counts, and how long after it nothing is said again. */
const voiceMs = 1000;
const quietMs = 60_000;

export function browserEnv(): Env {
  return {
    makeSocket: (url) => new WebSocket(url) as unknown as Socket,
    makePeer: (config) => new RTCPeerConnection(config),
    makeStream: (tracks) => new MediaStream(tracks),
    fetch: (input, init) => window.fetch(input, init),
    timers: {
      set: (fn, ms) => window.setTimeout(fn, ms),
      clear: (id) => window.clearTimeout(id as number),
      now: () => performance.now(),
    },
  };
}

/** All that a store needs of a browser. */
export function browserSurroundings(base: string, options: Pick<Surroundings, 'channelID' | 'onClient'> & { title?: string; threadID?: string }): Surroundings {
  const env = browserEnv();
  return {
    env, api: browserApi(base), socketURL: socketURL(base), openMicrophone, captureScreen, listDevices, watchLevel, play: playSound,
    settings: { read: () => readSettings(storage()), write: (settings) => writeSettings(storage(), settings) },
    ...options,
  };
}

/** The site's address without a slash at its end: all before the plugin's own path, as the site may live in a folder. */
export function siteBase(address: Pick<Location, 'origin' | 'pathname'>): string {
  const at = address.pathname.indexOf(`/plugins/${pluginID}/`);
  return address.origin + (at > 0 ? address.pathname.slice(0, at) : '');
}

export function socketURL(base: string): string {
  return `${base.replace(/^http/, 'ws')}/api/v4/websocket`;
}

export function browserApi(base: string): Api {
  return new Api((input, init) => window.fetch(input, init), base, () => document.cookie);
}

/** null where the browser keeps nothing, as with all cookies blocked. */
function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** Asks for the microphone. `detail` of the error: insecure, blocked, or the browser's words. */
export async function openMicrophone(settings: Settings): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) {
    throw new CallsError('no_microphone', 'insecure');
  }
  const { echoCancellation, noiseSuppression, autoGain: autoGainControl, input } = settings;
  const audio = { echoCancellation, noiseSuppression, autoGainControl };
  try {
    const stream = await preferring(audio, input);
    const track = stream.getAudioTracks()[0];
    if (!track) {
      throw new CallsError('no_microphone');
    }
    return track;
  } catch (error) {
    const blocked = error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'SecurityError');
    throw new CallsError('no_microphone', blocked ? 'blocked' : String(error));
  }
}

/** Exactly the remembered device, as browsers take a mere wish for one as no more than that; any other where it is at home today. */
async function preferring(audio: MediaTrackConstraints, input: string): Promise<MediaStream> {
  const devices = navigator.mediaDevices;
  if (input === '') {
    return devices.getUserMedia({ audio });
  }
  try {
    return await devices.getUserMedia({ audio: { ...audio, deviceId: { exact: input } } });
  } catch (error) {
    if (error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'SecurityError')) {
      throw error; // asking once more would be asking the person once more
    }
    return devices.getUserMedia({ audio });
  }
}

/** The sound of a computer is no voice: what makes voices clear would spoil it. Our own page's sound stays out of it, or everybody would hear themselves. */
const computerSound = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, restrictOwnAudio: true };

/** Asks what to share, and whether with its sound, which not every browser and not every window gives. */
export async function captureScreen(sound: boolean): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getDisplayMedia) {
    throw new CallsError('screen_cancelled', 'insecure');
  }
  // Newer than what TypeScript knows; older browsers take no notice of them.
  const wishes = { selfBrowserSurface: 'exclude', surfaceSwitching: 'include', systemAudio: sound ? 'include' : 'exclude' };
  try {
    return await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 30 } }, audio: sound ? computerSound : false, ...wishes } as DisplayMediaStreamOptions);
  } catch (error) {
    throw new CallsError('screen_cancelled', String(error));
  }
}

/** The devices that can be chosen. Before the person allowed a microphone, browsers tell no names, and there is nothing to choose by. */
async function listDevices(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all.filter((d) => d.kind === kind && d.label !== '' && d.deviceId !== 'default' && d.deviceId !== 'communications').map((d) => ({ id: d.deviceId, label: d.label }));
  return { inputs: of('audioinput'), outputs: of('audiooutput') };
}

/** Calls back when the track carried a voice for a second; not again for a minute. A muted microphone's track goes on hearing. */
function watchLevel(track: MediaStreamTrack, onVoice: () => void): () => void {
  let since: number | null = null;
  let quietUntil = 0;
  return meter(track, (level) => {
    const now = performance.now();
    if (level < voiceLevel || now < quietUntil) {
      since = null;
      return;
    }
    since ??= now;
    if (now - since >= voiceMs) {
      since = null;
      quietUntil = now + quietMs;
      onVoice();
    }
  });
}
