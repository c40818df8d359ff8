/**
 * CallsClient is one participation in one call, from join to end. It knows no page and no framework: whoever shows it listens to its events.
 * After the end it is done; joining again takes a new one.
 */
import type { Api } from './api';
import { Emitter } from './emitter';
import type { Env, TimerID } from './env';
import { asCallsError, CallsError, type EndReason, isEndReason } from './errors';
import { callStateOf, type Emoji, type Reaction, toCallEvent, toReaction } from './events';
import type { ServerFrame } from './frames';
import { Peer } from './peer';
import { apply, applySnapshot, type CallState, noCall, type Participant } from './state';
import { CallSocket } from './socket';

/** From the click to media that flows. Who has not got there by then will not. */
export const connectTimeoutMs = 15_000;
/** How long the reason for a connection that the server closed may take to arrive. */
export const reasonGraceMs = 1000;
/** How long an unmute before the connection waits for the server's first offer; stock clients wait as long before they unmute by themselves. */
export const earlyOfferMs = 1000;
const refetchMs = 300;
const refetchAgainMs = 2000;

export type Status =
  | { phase: 'idle' | 'connecting' | 'joining' | 'negotiating' | 'connected' | 'reconnecting' }
  | { phase: 'ended'; reason: EndReason; error?: CallsError };

interface ClientEvents {
  status: Status;
  state: CallState;
  /** A voice or a screen arrives: an audio track is a voice, a video track the shared screen (protocol 7.4). */
  track: { track: MediaStreamTrack; stream: MediaStream; mid: string };
  /** Whose media each line carries, by mid; only from servers that tell. */
  senders: ReadonlyMap<string, string>;
  reaction: Reaction;
  /** The host of the call did this to us. */
  hostAction: 'mute' | 'screen_off' | 'lower_hand';
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
  private peer: Peer | null = null;
  private connID = '';
  private current: CallState = noCall;
  private currentStatus: Status = { phase: 'idle' };
  private iceServers: RTCIceServer[] = [];
  private microphone: MediaStreamTrack | null = null;
  private capture: MediaStream | null = null;
  private wantUnmuted = false;
  private unsaidMute = false;
  private socketUp = false;
  private mediaUp = false;
  private wasConnected = false;
  private connectTimer: TimerID | null = null;
  private refetchTimer: TimerID | null = null;
  private earlyTimer: TimerID | null = null;
  /** Our name in the call: the connection id at the time of joining. Empty until the server let us in. */
  sessionID = '';

  constructor(
    private readonly env: Env,
    private readonly options: ClientOptions,
  ) {
    super();
    this.socket = new CallSocket(env, options.socketURL);
    this.socket.on('hello', ({ connID }) => this.onHello(connID));
    this.socket.on('reopened', ({ prevConnID }) => this.onReopened(prevConnID));
    this.socket.on('lost', () => this.setSocketUp(false));
    this.socket.on('gap', () => this.onGap());
    this.socket.on('frame', (frame) => this.onFrame(frame));
    this.socket.on('failed', () => this.onSocketFailed());
  }

  get state(): CallState {
    return this.current;
  }

  get status(): Status {
    return this.currentStatus;
  }

  /** Ourselves as the server sees us; undefined until it lists us. What it says of our microphone is the truth to show. */
  get self(): Participant | undefined {
    return this.current.participants.get(this.sessionID);
  }

  /** Goes into the call, muted. It returns at once; `status` tells how it goes. */
  join(): void {
    if (this.currentStatus.phase !== 'idle') {
      return;
    }
    this.setStatus({ phase: 'connecting' });
    this.connectTimer = this.env.timers.set(() => this.end('failed', new CallsError('connect_timeout', this.currentStatus.phase)), connectTimeoutMs);
    this.options.api.iceServers().then(
      (servers) => {
        if (this.currentStatus.phase === 'connecting') {
          this.iceServers = servers;
          this.socket.connect();
        }
      },
      (error: unknown) => this.end('failed', asCallsError(error, 'network')),
    );
  }

  leave(): void {
    this.end('left');
  }

  /** Gives the client a microphone, or takes it away. It sends only while unmuted. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.microphone = track;
    if (!track && this.wantUnmuted) {
      await this.mute();
    } else if (this.wantUnmuted) {
      await this.peer?.setVoice(track);
    }
  }

  async unmute(): Promise<void> {
    if (!this.microphone) {
      throw new CallsError('no_microphone');
    }
    this.wantUnmuted = true;
    if (!this.wasConnected) {
      return; // onMedia comes back to it
    }
    // The word goes before the offer that the first unmute causes: the server then holds back an offer of its own.
    this.sayMute();
    await this.peer?.setVoice(this.microphone);
  }

  async mute(): Promise<void> {
    this.wantUnmuted = false;
    this.sayMute();
    await this.peer?.setVoice(null);
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
    const track = stream.getVideoTracks()[0];
    const holder = this.current.screenSessionID;
    if (!track || !this.peer || (holder !== '' && holder !== this.sessionID)) {
      stopAll(stream);
      throw new CallsError(track && this.peer ? 'screen_refused' : 'protocol', this.current.participants.get(holder)?.userID);
    }
    if (!this.socket.send({ name: 'screen_on', screenStreamID: this.peer.screenStreamID })) {
      stopAll(stream);
      throw new CallsError('network');
    }
    this.setCapture(stream);
    // The browser's own "stop sharing" ends the track without a word to us.
    track.onended = () => void this.unshareScreen();
    await this.peer.setScreen(track);
  }

  async unshareScreen(): Promise<void> {
    if (this.capture) {
      this.socket.send({ name: 'screen_off' });
      await this.dropCapture();
    }
  }

  /** What the browser measures of the connection; empty before there is one. */
  async getStats(): Promise<RTCStatsReport> {
    return (await this.peer?.getStats()) ?? new Map();
  }

  private onHello(connID: string): void {
    this.connID = connID;
    if (this.sessionID === '' && this.currentStatus.phase === 'connecting') {
      this.socketUp = true;
      this.setStatus({ phase: 'joining' });
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
    if (this.unsaidMute) {
      this.sayMute();
    }
    this.setSocketUp(true);
    this.peer?.resend();
  }

  private onSocketFailed(): void {
    if (this.sessionID === '') {
      this.end('failed', new CallsError('socket_failed'));
    } else {
      this.end('socket_lost');
    }
  }

  private onFrame(frame: ServerFrame): void {
    if (!frame.own) {
      return;
    }
    const { connID } = frame.data;
    if (connID !== undefined) {
      if (connID === this.connID || connID === this.sessionID) {
        this.onPersonal(frame);
      }
    } else if (frame.name === 'call_state') {
      if (frame.data.channel_id === this.options.channelID) {
        this.setState(applySnapshot(this.current, callStateOf(frame)));
      }
    } else if ([frame.channelID, frame.data.channelID, frame.data.channel_id].includes(this.options.channelID)) {
      this.onChannelFrame(frame);
    }
  }

  /** Messages for this connection alone. */
  private onPersonal(frame: ServerFrame): void {
    switch (frame.name) {
      case 'join':
        this.onJoined();
        break;
      case 'error':
        this.onRefused(new CallsError('refused', String(frame.data.data ?? ''), String(frame.data.code ?? '')));
        break;
      case 'signal':
        this.onSignal(String(frame.data.data ?? ''));
        break;
      case 'screen_refused':
        void this.dropCapture();
        this.emit('error', new CallsError('screen_refused', String(frame.data.holder_id ?? '')));
        break;
    }
  }

  private onJoined(): void {
    if (this.currentStatus.phase !== 'joining') {
      return;
    }
    this.sessionID = this.connID;
    this.setStatus({ phase: 'negotiating' });
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
        answered: () => this.onAnswered(),
        warning: (error) => this.emit('error', asCallsError(error, 'protocol')),
      },
    );
    this.refetch(refetchMs);
  }

  private onRefused(error: CallsError): void {
    if (this.sessionID === '') {
      this.end('failed', error);
    } else {
      this.emit('error', error);
    }
  }

  private onSignal(text: string): void {
    let signal: { type?: unknown; sdp?: unknown; candidate?: unknown };
    try {
      signal = JSON.parse(text) ?? {};
    } catch {
      return;
    }
    if ((signal.type === 'offer' || signal.type === 'answer') && typeof signal.sdp === 'string') {
      this.peer?.description({ type: signal.type, sdp: signal.sdp });
    } else if (signal.type === 'candidate' && typeof signal.candidate === 'object' && signal.candidate) {
      this.peer?.candidate(signal.candidate);
    }
  }

  private onChannelFrame(frame: ServerFrame): void {
    if (frame.name === 'user_reacted') {
      const reaction = toReaction(frame);
      if (reaction) {
        this.emit('reaction', reaction);
      }
    } else if (frame.name.startsWith('host_')) {
      if (frame.data.session_id === this.sessionID) {
        this.onHostAction(frame.name);
      }
    } else {
      this.onCallEvent(frame);
    }
  }

  /** Stock servers only ask for it; the client does it. Doing it again after a server that did it already changes nothing. */
  private onHostAction(name: string): void {
    if (name === 'host_mute') {
      void this.mute();
      this.emit('hostAction', 'mute');
    } else if (name === 'host_screen_off') {
      void this.unshareScreen();
      this.emit('hostAction', 'screen_off');
    } else if (name === 'host_lower_hand') {
      this.lowerHand();
      this.emit('hostAction', 'lower_hand');
    }
  }

  private onCallEvent(frame: ServerFrame): void {
    const event = toCallEvent(frame);
    if (!event) {
      return;
    }
    if (event.type === 'ended') {
      const reason = frame.data.reason;
      if (this.sessionID === '' && reason === 'crashed') {
        this.end('crashed'); // the server that was to let us in is gone, and the one that says so is there
      } else if (this.sessionID !== '' && (event.callID === undefined || event.callID === this.current.callID)) {
        this.end(isEndReason(reason) ? reason : 'call_ended');
      }
      return;
    }
    if (event.type === 'left' && event.sessionID === this.sessionID) {
      this.end(isEndReason(frame.data.reason) ? frame.data.reason : 'connection_closed');
      return;
    }
    this.setState(apply(this.current, event));
  }

  private onMedia(state: 'connected' | 'interrupted' | 'failed'): void {
    if (state === 'failed') {
      this.end('ice_failed');
      return;
    }
    this.mediaUp = state === 'connected';
    if (this.mediaUp && !this.wasConnected) {
      this.wasConnected = true;
      this.clearTimer('connectTimer');
      // Somebody may have unmuted while we were still connecting. The server makes its first offer at this very moment, and two that meet cost both time.
      if (this.wantUnmuted) {
        this.earlyTimer = this.env.timers.set(() => this.onAnswered(), earlyOfferMs);
      }
    }
    this.updateStatus();
  }

  /** The server's first offer is through, or there is none: what had to wait for it can go on. */
  private onAnswered(): void {
    if (this.earlyTimer !== null) {
      this.clearTimer('earlyTimer');
      if (this.wantUnmuted) {
        void this.unmute();
      }
    }
  }

  private onServerClosed(): void {
    this.mediaUp = false;
    this.updateStatus();
    this.env.timers.set(() => this.end('connection_closed'), reasonGraceMs);
  }

  private onGap(): void {
    if (this.sessionID !== '') {
      this.setState({ ...this.current, stale: true });
    }
  }

  private setSocketUp(up: boolean): void {
    this.socketUp = up;
    this.updateStatus();
  }

  private updateStatus(): void {
    if (this.currentStatus.phase !== 'ended' && this.wasConnected) {
      this.setStatus({ phase: this.socketUp && this.mediaUp ? 'connected' : 'reconnecting' });
    }
  }

  private setStatus(status: Status): void {
    if (status.phase !== this.currentStatus.phase) {
      this.currentStatus = status;
      this.emit('status', status);
    }
  }

  private setState(next: CallState): void {
    if (next === this.current || this.currentStatus.phase === 'ended') {
      return;
    }
    const lostScreen = this.current.screenSessionID === this.sessionID && next.screenSessionID !== this.sessionID;
    this.current = next;
    if (lostScreen && this.capture) {
      void this.dropCapture();
    }
    if (next.stale) {
      this.askState();
    }
    this.emit('state', next);
  }

  /** After a gap: asks on the socket for the whole call, once for a burst of gaps, and by HTTP when no answer came to that. */
  private askState(): void {
    if (this.refetchTimer === null && this.sessionID !== '') {
      this.socket.send({ name: 'call_state', data: { channelID: this.options.channelID } });
      this.refetch(refetchMs);
    }
  }

  /** Asks by HTTP for the whole call, soon. Only who is in needs it. */
  private refetch(ms: number): void {
    if (this.refetchTimer !== null || this.sessionID === '') {
      return;
    }
    this.refetchTimer = this.env.timers.set(() => {
      if (this.current.callID !== '' && !this.current.stale) {
        this.refetchTimer = null; // the socket told us meanwhile
        return;
      }
      this.options.api.call(this.options.channelID).then(
        ({ call }) => this.onRefetched(call ? applySnapshot(this.current, call) : this.current),
        () => this.onRefetched(this.current),
      );
    }, ms);
  }

  private onRefetched(state: CallState): void {
    this.refetchTimer = null;
    this.setState(state);
    if (this.current.stale && this.currentStatus.phase !== 'ended') {
      this.refetch(refetchAgainMs);
    }
  }

  private sayMute(): void {
    this.unsaidMute = !this.socket.send({ name: this.wantUnmuted ? 'unmute' : 'mute' });
  }

  private setCapture(stream: MediaStream | null): void {
    this.capture = stream;
    this.emit('capture', stream);
  }

  private async dropCapture(): Promise<void> {
    const stream = this.capture;
    if (stream) {
      this.setCapture(null);
      stopAll(stream);
      await this.peer?.setScreen(null);
    }
  }

  private end(reason: EndReason, error?: CallsError): void {
    if (this.currentStatus.phase === 'ended') {
      return;
    }
    // Also when the server ended it: should it be wrong about us, it must not keep us.
    this.socket.send({ name: 'leave' });
    this.clearTimer('connectTimer');
    this.clearTimer('refetchTimer');
    this.clearTimer('earlyTimer');
    this.setStatus({ phase: 'ended', reason, ...(error ? { error } : {}) });
    void this.dropCapture();
    this.peer?.close();
    this.socket.close();
  }

  private clearTimer(name: 'connectTimer' | 'refetchTimer' | 'earlyTimer'): void {
    const timer = this[name];
    if (timer !== null) {
      this.env.timers.clear(timer);
      this[name] = null;
    }
  }
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.stop();
  }
}
