/** Fakes for the engine's tests: a clock that stands still until told, a socket and a peer connection without a network. */
import type { Env, Socket, TimerID, Timers } from './env';

export class FakeTimers implements Timers {
  private time = 0;
  private nextID = 1;
  private readonly due = new Map<number, { at: number; fn: () => void }>();

  set(fn: () => void, ms: number): TimerID {
    this.due.set(this.nextID, { at: this.time + ms, fn });
    return this.nextID++;
  }

  clear(id: TimerID): void {
    this.due.delete(id as number);
  }

  now(): number {
    return this.time;
  }

  /** Lets time pass; what falls due runs in order, and promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = [...this.due].filter(([, t]) => t.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next) {
        break;
      }
      this.due.delete(next[0]);
      this.time = next[1].at;
      next[1].fn();
    }
    this.time = end;
    await settle();
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await Promise.resolve();
  }
}

export class FakeSocket implements Socket {
  binaryType = 'blob';
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: (string | Uint8Array)[] = [];
  private seq = 0;

  constructor(readonly url: string) {}

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The server's side. */
  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  receives(event: string, data: object, channelID = ''): void {
    this.onmessage?.({ data: JSON.stringify({ event, data, broadcast: { channel_id: channelID }, seq: this.seq++ }) });
  }

  /** Names and data of what was sent, the binary frames as "(binary)". */
  actions(): string[] {
    return this.sent.map((frame) => (typeof frame === 'string' ? String(JSON.parse(frame).action).replace('custom_com.mattermost.calls_', '') : '(binary)'));
  }
}

type Direction = RTCRtpTransceiverDirection;

/** A peer connection that keeps the rules of JSEP's state machine as far as glare needs them, native rollback included. */
export class FakePeer {
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { type: RTCSdpType; sdp: string } | null = null;
  remoteDescription: { type: RTCSdpType; sdp: string } | null = null;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate: unknown = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: unknown = null;
  readonly candidates: RTCIceCandidateInit[] = [];
  readonly log: string[] = [];
  readonly transceivers: { direction: Direction; sender: { track: unknown; replaceTrack(t: unknown): Promise<void> } }[] = [];
  readonly channel = {
    label: '', binaryType: 'blob', readyState: 'connecting',
    onopen: null as (() => void) | null, onclose: null as (() => void) | null, onmessage: null as ((e: { data: unknown }) => void) | null,
    sent: [] as Uint8Array[],
    send(data: Uint8Array) {
      this.sent.push(data);
    },
  };
  private offers = 0;
  /** Changes that no description has carried yet. */
  private wants = 0;
  /** Changes that the pending local offer carries. */
  private offered = 0;

  createDataChannel(label: string) {
    this.channel.label = label;
    this.change();
    return this.channel;
  }

  addTransceiver(track: unknown, init: { direction: Direction }) {
    const sender = {
      track,
      replaceTrack: async (t: unknown) => {
        sender.track = t;
      },
    };
    const transceiver = { direction: init.direction, sender };
    this.transceivers.push(transceiver);
    this.change();
    return transceiver;
  }

  change(): void {
    this.wants++;
    this.askLater();
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    if (this.signalingState === 'have-remote-offer') {
      this.localDescription = { type: 'answer', sdp: `answer to ${this.remoteDescription?.sdp}` };
      this.signalingState = 'stable';
      this.log.push('answered');
      this.askLater();
      return;
    }
    this.localDescription = { type: 'offer', sdp: `offer ${++this.offers}` };
    this.signalingState = 'have-local-offer';
    this.offered = this.wants;
  }

  async setRemoteDescription(description: { type: RTCSdpType; sdp: string }): Promise<void> {
    await Promise.resolve();
    if (description.type === 'answer') {
      if (this.signalingState !== 'have-local-offer') {
        throw new Error(`InvalidStateError: answer in ${this.signalingState}`);
      }
      this.signalingState = 'stable';
      this.wants -= this.offered;
      this.offered = 0;
      this.askLater();
    } else {
      if (this.signalingState === 'have-local-offer') {
        this.log.push('rolled back');
        this.offered = 0;
      }
      this.signalingState = 'have-remote-offer';
    }
    this.remoteDescription = description;
  }

  async addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (!this.remoteDescription) {
      throw new Error('InvalidStateError: no remote description');
    }
    this.candidates.push(candidate);
  }

  becomes(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.connectionState = 'closed';
  }

  private askLater(): void {
    queueMicrotask(() => {
      if (this.wants > this.offered && this.signalingState === 'stable') {
        this.onnegotiationneeded?.();
      }
    });
  }
}

export interface FakeEnv extends Env {
  timers: FakeTimers;
  sockets: FakeSocket[];
  peers: FakePeer[];
}

export function fakeEnv(): FakeEnv {
  const sockets: FakeSocket[] = [];
  const peers: FakePeer[] = [];
  return {
    timers: new FakeTimers(),
    sockets,
    peers,
    makeSocket(url) {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    makePeer() {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    makeStream: (tracks) => fakeStream('stream', tracks),
    fetch: () => Promise.reject(new Error('no network in tests')),
  };
}

export function fakeTrack(kind: 'audio' | 'video'): MediaStreamTrack & { stopped: boolean } {
  const track = {
    kind,
    stopped: false,
    onended: null,
    stop() {
      this.stopped = true;
    },
  };
  return track as unknown as MediaStreamTrack & { stopped: boolean };
}

export function fakeStream(id: string, tracks: MediaStreamTrack[]): MediaStream {
  return { id, getTracks: () => tracks, getVideoTracks: () => tracks.filter((t) => t.kind === 'video'), getAudioTracks: () => tracks.filter((t) => t.kind === 'audio') } as unknown as MediaStream;
}
