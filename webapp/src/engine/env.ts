/**
 * What the engine needs of its surroundings. A browser's own objects fit as they are; tests hand in fakes and own the clock.
 */

export interface Timers {
  set(fn: () => void, ms: number): TimerID;
  clear(id: TimerID): void;
  now(): number;
}

export type TimerID = number | object;

/** The part of WebSocket that the engine uses. */
export interface Socket {
  binaryType: string;
  readonly readyState: number;
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface Env {
  makeSocket(url: string): Socket;
  makePeer(config: RTCConfiguration): RTCPeerConnection;
  makeStream(tracks: MediaStreamTrack[]): MediaStream;
  fetch: typeof globalThis.fetch;
  timers: Timers;
}
