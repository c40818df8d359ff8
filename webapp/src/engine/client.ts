/**
 * CallsClient is one participation in one call, from join to end. It knows no page and no framework: whoever shows it listens to its events.
 * After the end it is done; joining again takes a new one.
 */
import type { Api } from './api';
import { CallSync } from './call_sync';
import { Emitter } from './emitter';
import type { Env, TimerID } from './env';
import { asCallsError, CallsError, type EndReason } from './errors';
import type { Emoji, Reaction } from './events';
import { Peer } from './peer';
import { type HostRequest, type Recipient, route } from './route';
import { ScreenShare } from './screen_share';
import type { CallState, Participant } from './state';
import { Progress, type Status } from './status';
import { CallSocket } from './socket';
import { Voice } from './voice';

/** From the click to media that flows. Who has not got there by then will not. */
export const connectTimeoutMs = 15_000;
/** How long to wait before a server that counts our requests is asked once more: it forgives one each second. */
export const busyRetryMs = 2000;
/** How long the reason for a connection that the server closed may take to arrive. */
export const reasonGraceMs = 1000;

interface ClientEvents {
  status: Status;
  state: CallState;
  /** A voice or a screen arrives: an audio track is a voice, a video track the shared screen (protocol 7.4). */
  track: { track: MediaStreamTrack; stream: MediaStream; mid: string };
  /** Whose media each line carries, by mid; only from servers that tell. */
  senders: ReadonlyMap<string, string>;
  reaction: Reaction;
  /** The host of the call did this to us. */
  hostAction: HostRequest;
  /** Our own capture of the screen began or ended. */
  capture: MediaStream | null;
  roundTrip: number;
  /** Something failed that does not end the call. */
  error: CallsError;
}

export interface ClientOptions {
  channelID: string;
  /** Address of the host's WebSocket endpoint. */
  socketURL: string;
  api: Pick<Api, 'call' | 'iceServers'>;
  title?: string;
  /** The post in whose thread the call is to be, when it is not one of its own. */
  threadID?: string;
}

export class CallsClient extends Emitter<ClientEvents> {
  private readonly socket: CallSocket;
  private readonly sync: CallSync;
  private readonly voice: Voice;
  private readonly share: ScreenShare;
  private readonly progress = new Progress((status) => this.emit('status', status));
  private peer: Peer | null = null;
  private connID = '';
  private iceServers: RTCIceServer[] = [];
  private connectTimer: TimerID | null = null;
  /** Our name in the call: the connection id at the time of joining. Empty until the server let us in. */
  sessionID = '';

  constructor(
    private readonly env: Env,
    private readonly options: ClientOptions,
  ) {
    super();
    const { api, channelID, socketURL } = options;
    this.socket = new CallSocket(env, socketURL);
    this.sync = new CallSync(env.timers, {
      ask: () => this.socket.send({ name: 'call_state', data: { channelID } }),
      fetch: () => api.call(channelID),
      changed: (next, before) => this.onState(next, before),
    });
    this.voice = new Voice(env.timers, {
      say: (unmuted) => this.socket.send({ name: unmuted ? 'unmute' : 'mute' }),
      send: (track) => this.peer?.setVoice(track),
    });
    this.share = new ScreenShare({
      on: (screenStreamID) => this.socket.send({ name: 'screen_on', screenStreamID }),
      off: () => this.socket.send({ name: 'screen_off' }),
      changed: (capture) => this.emit('capture', capture),
    });
    const recipient = this.recipient();
    this.socket.on('hello', ({ connID }) => this.onHello(connID));
    this.socket.on('reopened', ({ prevConnID }) => this.onReopened(prevConnID));
    this.socket.on('lost', () => this.progress.socket(false));
    this.socket.on('gap', () => this.sync.gap());
    this.socket.on('frame', (frame) => route(frame, { channelID, connID: this.connID, sessionID: this.sessionID }, recipient));
    this.socket.on('failed', () => this.onSocketFailed());
  }

  get state(): CallState {
    return this.sync.state;
  }

  get status(): Status {
    return this.progress.status;
  }

  /** Ourselves as the server sees us; undefined until it lists us. What it says of our microphone is the truth to show. */
  get self(): Participant | undefined {
    return this.state.participants.get(this.sessionID);
  }

  /** Goes into the call, muted. It returns at once; `status` tells how it goes. */
  join(): void {
    if (this.status.phase !== 'idle') {
      return;
    }
    this.progress.to({ phase: 'connecting' });
    this.connectTimer = this.env.timers.set(() => this.end('failed', new CallsError('connect_timeout', this.status.phase)), connectTimeoutMs);
    this.prepare();
  }

  private prepare(): void {
    if (this.status.phase !== 'connecting') {
      return; // left while the server was too busy
    }
    this.options.api.iceServers().then(
      (servers) => {
        if (this.status.phase === 'connecting') {
          this.iceServers = servers;
          this.socket.connect();
        }
      },
      (reason: unknown) => {
        const error = asCallsError(reason, 'network');
        if (error.code === 'busy') {
          this.env.timers.set(() => this.prepare(), busyRetryMs);
        } else {
          this.end('failed', error);
        }
      },
    );
  }

  leave(): void {
    this.end('left');
  }

  /** Gives the client a microphone, or takes it away. It sends only while unmuted. */
  setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    return this.voice.use(track);
  }

  /** Whether the microphone was last opened or closed; what others see of it is in `self`. */
  get microphoneOpen(): boolean {
    return this.voice.open;
  }

  /** Opens the microphone: at once, or when the connection is there. */
  unmute(): Promise<void> {
    return this.voice.unmute();
  }

  mute(): Promise<void> {
    return this.voice.mute();
  }

  raiseHand(): void {
    this.socket.send({ name: 'raise_hand' });
  }

  lowerHand(): void {
    this.socket.send({ name: 'unraise_hand' });
  }

  react(emoji: Emoji): void {
    this.socket.send({ name: 'react', emoji });
  }

  /** Shares what was captured. Whoever calls this has asked the person what to share. */
  async shareScreen(stream: MediaStream): Promise<void> {
    const holder = this.state.screenSessionID;
    const taken = holder !== '' && holder !== this.sessionID;
    await this.share.begin(stream, this.peer, taken ? new CallsError('screen_refused', this.state.participants.get(holder)?.userID) : null);
  }

  async unshareScreen(): Promise<void> {
    await this.share.end();
  }

  /** What the browser measures of the connection; empty before there is one. */
  async getStats(): Promise<RTCStatsReport> {
    return (await this.peer?.getStats()) ?? new Map();
  }

  private onHello(connID: string): void {
    this.connID = connID;
    if (this.sessionID === '' && this.status.phase === 'connecting') {
      this.progress.socket(true);
      this.progress.to({ phase: 'joining' });
      const { channelID, title = '', threadID } = this.options;
      this.socket.send({ name: 'join', data: { channelID, title, ...(threadID ? { threadID } : {}) } });
    }
  }

  private onReopened(prevConnID: string): void {
    if (this.sessionID === '') {
      this.end('failed', new CallsError('socket_failed'));
      return;
    }
    const { channelID } = this.options;
    this.socket.send({ name: 'reconnect', data: { channelID, originalConnID: this.sessionID, prevConnID } });
    this.voice.onReopened();
    this.progress.socket(true);
    this.peer?.resend();
  }

  private onSocketFailed(): void {
    if (this.sessionID === '') {
      this.end('failed', new CallsError('socket_failed'));
    } else {
      this.end('socket_lost');
    }
  }

  private recipient(): Recipient {
    return {
      joined: () => this.onJoined(),
      refused: (error) => this.onRefused(error),
      description: (description) => this.peer?.description(description),
      candidate: (candidate) => this.peer?.candidate(candidate),
      screenRefused: (holderID) => {
        void this.share.drop();
        this.emit('error', new CallsError('screen_refused', holderID));
      },
      snapshot: (snapshot) => this.sync.snapshot(snapshot),
      reaction: (reaction) => this.emit('reaction', reaction),
      hostRequest: (request) => this.onHostRequest(request),
      callEnded: (callID, reason) => this.onCallEnded(callID, reason),
      leftBy: (reason) => this.end(reason),
      event: (event) => this.sync.event(event),
    };
  }

  private onJoined(): void {
    if (this.status.phase !== 'joining') {
      return;
    }
    this.sessionID = this.connID;
    this.progress.to({ phase: 'negotiating' });
    this.peer = new Peer(
      this.env,
      { iceServers: this.iceServers, bundlePolicy: 'max-bundle' },
      {
        send: (description) => this.socket.send({ name: 'sdp', description }),
        candidate: (candidate) => this.socket.send({ name: 'ice', candidate }),
        state: (state) => this.onMedia(state),
        closed: () => this.onServerClosed(),
        roundTrip: (ms) => this.emit('roundTrip', ms),
        mediaMap: (senders) => this.emit('senders', senders),
        track: (track, stream, mid) => this.emit('track', { track, stream, mid }),
        answered: () => this.voice.onAnswered(),
        warning: (error) => this.emit('error', asCallsError(error, 'protocol')),
      },
    );
    this.sync.start();
  }

  private onRefused(error: CallsError): void {
    if (this.sessionID === '') {
      this.end('failed', error);
    } else if (error.serverCode === 'disconnected') {
      this.end('connection_closed'); // given up while our socket was away, or by a server that has begun anew: no event of the call will say it
    } else {
      this.emit('error', error);
    }
  }

  /** Stock servers only ask for it; the client does it. Doing it again after a server that did it already changes nothing. */
  private onHostRequest(request: HostRequest): void {
    if (request === 'mute') {
      void this.mute();
    } else if (request === 'screen_off') {
      void this.unshareScreen();
    } else {
      this.lowerHand();
    }
    this.emit('hostAction', request);
  }

  private onCallEnded(callID: string | undefined, reason: EndReason): void {
    if (this.sessionID !== '') {
      if (callID === undefined || callID === this.state.callID) {
        this.end(reason);
      }
    } else if (reason === 'crashed') {
      this.end('crashed'); // the server that was to let us in is gone, and the one that says so is there
    }
  }

  private onMedia(state: 'connected' | 'interrupted' | 'failed'): void {
    if (state === 'failed') {
      this.end('ice_failed');
      return;
    }
    const up = state === 'connected';
    if (up && !this.progress.wasConnected) {
      this.stopConnectTimer();
      this.voice.onConnected();
    }
    this.progress.media(up);
  }

  private onServerClosed(): void {
    this.progress.media(false);
    this.env.timers.set(() => this.end('connection_closed'), reasonGraceMs);
  }

  private onState(next: CallState, before: CallState): void {
    if (before.screenSessionID === this.sessionID && next.screenSessionID !== this.sessionID) {
      void this.share.drop();
    }
    this.emit('state', next);
  }

  private end(reason: EndReason, error?: CallsError): void {
    if (this.progress.ended) {
      return;
    }
    // Also when the server ended it: should it be wrong about us, it must not keep us.
    this.socket.send({ name: 'leave' });
    this.stopConnectTimer();
    this.voice.stop();
    this.sync.stop();
    this.progress.to({ phase: 'ended', reason, ...(error ? { error } : {}) });
    void this.share.drop();
    this.peer?.close();
    this.socket.close();
  }

  private stopConnectTimer(): void {
    if (this.connectTimer !== null) {
      this.env.timers.clear(this.connectTimer);
      this.connectTimer = null;
    }
  }
}
