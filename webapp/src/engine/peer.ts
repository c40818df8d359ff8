/** Our end of the media connection: what we publish and what we receive. It speaks to the server only through its hooks. */
import { channelLabel, Pinger } from './channel';
import type { Env } from './env';
import { type Description, Negotiation } from './negotiation';

export interface PeerHooks {
  send(description: Description): boolean;
  candidate(candidate: RTCIceCandidateInit): void;
  /** Media can flow, or cannot for the moment, or never again. */
  state(state: 'connected' | 'interrupted' | 'failed'): void;
  /** The server has closed its end. */
  closed(): void;
  roundTrip(ms: number): void;
  mediaMap(senders: ReadonlyMap<string, string>): void;
  track(track: MediaStreamTrack, stream: MediaStream, mid: string): void;
  /** We have answered an offer of the server. */
  answered(): void;
  warning(error: unknown): void;
}

export class Peer {
  private readonly connection: RTCPeerConnection;
  private readonly negotiation: Negotiation;
  private readonly pinger: Pinger;
  private voice: RTCRtpTransceiver | null = null;
  private screen: RTCRtpTransceiver | null = null;
  private screenSound: RTCRtpTransceiver | null = null;
  private closed = false;
  /** One stream for all our shares: Chromium takes a line's stream back to its first one when setStreams gave it another. */
  private readonly screenStream: MediaStream;

  constructor(
    private readonly env: Env,
    config: RTCConfiguration,
    private readonly hooks: PeerHooks,
  ) {
    const connection = env.makePeer(config);
    this.connection = connection;
    this.screenStream = env.makeStream([]);
    this.negotiation = new Negotiation(connection, env.timers, {
      send: hooks.send,
      answered: hooks.answered,
      settled: () => this.pinger.unlock(),
      failed: hooks.warning,
    });
    connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) {
        hooks.candidate(candidate.toJSON());
      }
    };
    connection.onconnectionstatechange = () => this.onState();
    connection.ontrack = ({ track, streams, transceiver }) => hooks.track(track, streams[0] ?? env.makeStream([track]), transceiver?.mid ?? '');
    // The channel alone makes the first offer: audio and video come with the first unmute and the first share.
    this.pinger = new Pinger(connection.createDataChannel(channelLabel), env.timers, {
      open: () => undefined,
      closed: hooks.closed,
      roundTrip: hooks.roundTrip,
      mediaMap: hooks.mediaMap,
    });
  }

  description(description: Description): void {
    void this.negotiation.description(description);
  }

  candidate(candidate: RTCIceCandidateInit): void {
    void this.negotiation.candidate(candidate);
  }

  /** To be called when the socket is back: a description may have been lost with the old one. */
  resend(): void {
    void this.negotiation.resend();
  }

  /** Sends this track as our voice, or nothing. Only the first track needs an offer. */
  async setVoice(track: MediaStreamTrack | null): Promise<void> {
    if (this.voice) {
      await this.voice.sender.replaceTrack(track);
    } else if (track) {
      // Not addTrack: that would take over one of the lines on which the server sends us others' voices.
      this.voice = this.connection.addTransceiver(track, { direction: 'sendonly', streams: [this.env.makeStream([track])] });
    }
  }

  /** Sends these tracks as our screen and its sound, or stops. A second share uses the lines of the first, under the same stream id. */
  async setScreen(picture: MediaStreamTrack | null, sound: MediaStreamTrack | null = null): Promise<void> {
    const [screen, screenSound] = [this.screen, this.screenSound];
    this.screen ??= this.newLine(picture);
    this.screenSound ??= this.newLine(sound);
    // Both at once: when a call ends, the connection is closed right after this was asked for.
    await Promise.all([this.turn(screen, picture), this.turn(screenSound, sound)]);
    if ((screen || screenSound) && !this.closed) {
      this.negotiation.negotiate();
    }
  }

  /** Sound has the stream of its screen, by which the server tells it from a voice. */
  private newLine(track: MediaStreamTrack | null): RTCRtpTransceiver | null {
    return track && !this.closed ? this.connection.addTransceiver(track, { direction: 'sendonly', streams: [this.screenStream] }) : null;
  }

  private async turn(line: RTCRtpTransceiver | null, track: MediaStreamTrack | null): Promise<void> {
    if (!line || this.closed) {
      return;
    }
    await line.sender.replaceTrack(track);
    // The call may have ended meanwhile, and a closed connection takes no direction.
    if (!this.closed) {
      line.direction = track ? 'sendonly' : 'inactive';
    }
  }

  get screenStreamID(): string {
    return this.screenStream.id;
  }

  getStats(): Promise<RTCStatsReport> {
    return this.connection.getStats();
  }

  close(): void {
    this.closed = true;
    this.negotiation.close();
    this.pinger.close();
    this.connection.onicecandidate = this.connection.onconnectionstatechange = this.connection.ontrack = null;
    this.connection.close();
  }

  private onState(): void {
    switch (this.connection.connectionState) {
      case 'connected':
        this.hooks.state('connected');
        break;
      case 'disconnected':
        this.hooks.state('interrupted');
        break;
      case 'failed':
        this.hooks.state('failed');
        break;
    }
  }
}
