/** The browser's own objects in the form that the engine and the page want them. The only file of the page that reaches for globals of the window. */
import { Api } from '../engine/api';
import type { Env, Socket } from '../engine/env';
import { CallsError } from '../engine/errors';
import { pluginID } from '../manifest';

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

/** The site's address without a slash at its end: all before the plugin's own path, as the site may live in a folder. */
export function siteBase(address: Pick<Location, 'origin' | 'pathname'>): string {
  const at = address.pathname.indexOf(`/plugins/${pluginID}/`);
  return address.origin + (at > 0 ? address.pathname.slice(0, at) : '');
}

export function socketURL(base: string): string {
  return `${base.replace(/^http/, 'ws')}/api/v4/websocket`;
}

export function browserApi(env: Env, base: string): Api {
  return new Api(env.fetch, base, () => document.cookie);
}

/** Asks for the microphone. `detail` of the error: insecure, blocked, or the browser's words. */
export async function openMicrophone(): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) {
    throw new CallsError('no_microphone', 'insecure');
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
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

/** Asks what to share. Text is to stay sharp: the browser may rather drop frames than blur. */
export async function captureScreen(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getDisplayMedia) {
    throw new CallsError('screen_cancelled', 'insecure');
  }
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 30 } }, audio: false });
    for (const track of stream.getVideoTracks()) {
      track.contentHint = 'detail';
    }
    return stream;
  } catch (error) {
    throw new CallsError('screen_cancelled', String(error));
  }
}
