/**
 * What the page shows, and what its buttons do. It owns the call client of the moment; the components only draw a View and call the methods.
 */
import type { Api, Channel, User } from '../engine/api';
import { CallsClient, type Status } from '../engine/client';
import type { Env } from '../engine/env';
import { asCallsError, CallsError } from '../engine/errors';
import { type CallState, noCall, type Snapshot } from '../engine/state';
import { t } from '../i18n';
import { announcements } from './sentences';

/** A stream that another participant sends. */
export interface Incoming {
  readonly track: MediaStreamTrack;
  readonly stream: MediaStream;
}

/** none: joined to listen. blocked, insecure: why the browser gives none. lost: it was there and is gone. */
export type Microphone = 'open' | 'none' | 'blocked' | 'insecure' | 'lost';

export interface View {
  readonly step: 'loading' | 'login' | 'lobby' | 'call' | 'broken';
  /** Something the person just asked for is under way. */
  readonly busy: boolean;
  readonly me: User | null;
  readonly title: string;
  /** The call as it was when the page asked, before joining. */
  readonly waiting: Snapshot | null;
  readonly status: Status;
  readonly call: CallState;
  readonly selfID: string;
  readonly roundTrip: number | null;
  readonly names: ReadonlyMap<string, string>;
  readonly microphone: Microphone;
  /** The microphone's switch was pressed and the server has not echoed it yet. */
  readonly switching: boolean;
  readonly voices: readonly Incoming[];
  readonly screens: readonly Incoming[];
  readonly sharing: boolean;
  readonly soundBlocked: boolean;
  /** Counts the presses on "turn on sound": with each the sound is tried again. */
  readonly soundAttempt: number;
  readonly error: CallsError | null;
  /** Last words for those who listen to the page instead of looking at it; the number tells two equal ones apart. */
  readonly spoken: { readonly text: string; readonly id: number };
}

export const emptyView: View = {
  step: 'loading', busy: false, me: null, title: '', waiting: null, status: { phase: 'idle' }, call: noCall, selfID: '', roundTrip: null,
  names: new Map(), microphone: 'none', switching: false, voices: [], screens: [], sharing: false, soundBlocked: false, soundAttempt: 0, error: null,
  spoken: { text: '', id: 0 },
};

/** How often the page goes back into a call by itself after a fault of the server. */
const maxRejoins = 3;
const rejoinMs = 500;
/** How long the microphone's switch waits for the server's echo before it can be pressed again. */
const echoMs = 1000;

export interface Surroundings {
  env: Env;
  api: Api;
  socketURL: string;
  channelID: string;
  openMicrophone(): Promise<MediaStreamTrack>;
  captureScreen(): Promise<MediaStream>;
  /** Told of every new client, for those who look at the page from outside. */
  onClient(client: CallsClient): void;
}

export class PageStore {
  private current = emptyView;
  private readonly listeners = new Set<(view: View) => void>();
  private client: CallsClient | null = null;
  private track: MediaStreamTrack | null = null;
  private asked = new Set<string>();
  private rejoins = 0;

  constructor(private readonly around: Surroundings) {}

  get view(): View {
    return this.current;
  }

  subscribe(listener: (view: View) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  readonly nameOf = (userID: string | undefined): string => (userID && this.current.names.get(userID)) || t('person.unknown');

  /** Finds out who looks and at which channel. */
  async load(): Promise<void> {
    this.set({ step: 'loading', error: null });
    if (this.around.channelID === '') {
      this.set({ step: 'broken', error: new CallsError('no_channel') });
      return;
    }
    try {
      const me = await this.around.api.me();
      this.learn([me]);
      this.set({ me });
      await this.loadChannel();
    } catch (error) {
      const failure = asCallsError(error, 'server');
      this.set(failure.code === 'not_signed_in' ? { step: 'login' } : { step: 'broken', error: failure });
    }
  }

  async login(loginID: string, password: string, token: string): Promise<void> {
    this.set({ busy: true, error: null });
    try {
      await this.around.api.login(loginID, password, token);
      await this.load();
    } catch (error) {
      this.set({ error: asCallsError(error, 'server') });
    } finally {
      this.set({ busy: false });
    }
  }

  /** Goes into the call, with a microphone where there is one. */
  async join(withMicrophone: boolean): Promise<void> {
    this.set({ busy: true, error: null });
    let microphone: Microphone = 'none';
    if (withMicrophone) {
      microphone = await this.openMicrophone();
    }
    this.rejoins = 0;
    this.set({ busy: false, microphone });
    this.begin(false);
  }

  leave(): void {
    this.client?.leave();
  }

  /** Back to the page before the call, with what is true now. */
  async again(): Promise<void> {
    this.set({ status: { phase: 'idle' } });
    await this.load();
  }

  /** Opens or closes the microphone; where there is none, asks for it. */
  async toggleMicrophone(): Promise<void> {
    const client = this.client;
    if (!client) {
      return;
    }
    if (!this.track) {
      this.set({ microphone: await this.openMicrophone() });
      await client.setMicrophone(this.track);
      return;
    }
    this.set({ switching: true });
    this.around.env.timers.set(() => this.set({ switching: false }), echoMs);
    await this.tell(() => (client.self?.unmuted ? client.mute() : client.unmute()));
  }

  async toggleScreen(): Promise<void> {
    const client = this.client;
    if (!client) {
      return;
    }
    if (this.current.sharing) {
      await client.unshareScreen();
      return;
    }
    let stream: MediaStream;
    try {
      stream = await this.around.captureScreen();
    } catch {
      return; // the person thought better of it, and knows
    }
    await this.tell(() => client.shareScreen(stream));
  }

  dismiss(): void {
    this.set({ error: null });
  }

  /** The browser plays no sound before the person has pressed something. */
  readonly soundBlocked = (): void => this.set({ soundBlocked: true });

  allowSound(): void {
    this.set({ soundBlocked: false, soundAttempt: this.current.soundAttempt + 1 });
  }

  private async loadChannel(): Promise<void> {
    const { api, channelID } = this.around;
    const [channel, { call }] = await Promise.all([api.channel(channelID), api.call(channelID)]);
    await this.lookUp([...channel.partners, ...(call?.participants.map((p) => p.userID) ?? [])]);
    this.set({ step: 'lobby', title: this.titleOf(channel), waiting: call });
  }

  private titleOf(channel: Channel): string {
    const partner = channel.partners.find((id) => id !== this.current.me?.id);
    return partner ? this.nameOf(partner) : channel.name;
  }

  private async openMicrophone(): Promise<Microphone> {
    try {
      const track = await this.around.openMicrophone();
      this.track = track;
      track.onended = () => {
        if (this.track === track) {
          this.track = null;
          this.set({ microphone: 'lost' });
          void this.client?.setMicrophone(null);
        }
      };
      return 'open';
    } catch (error) {
      this.track = null;
      const { detail } = asCallsError(error, 'no_microphone');
      return detail === 'blocked' || detail === 'insecure' ? detail : 'none';
    }
  }

  private begin(unmuted: boolean): void {
    const { env, api, socketURL, channelID, onClient } = this.around;
    const client = new CallsClient(env, { channelID, socketURL, api });
    this.client = client;
    this.set({ step: 'call', call: noCall, selfID: '', status: client.status, roundTrip: null, voices: [], screens: [], sharing: false, error: null });
    client.on('status', (status) => this.onStatus(client, status));
    client.on('state', (state) => this.onState(client, state));
    client.on('track', (incoming) => this.onTrack(incoming));
    client.on('capture', (stream) => this.set({ sharing: stream !== null }));
    client.on('roundTrip', (roundTrip) => this.set({ roundTrip }));
    client.on('error', (error) => this.set({ error }));
    void client.setMicrophone(this.track);
    if (unmuted && this.track) {
      void client.unmute();
    }
    onClient(client);
    client.join();
  }

  private onStatus(client: CallsClient, status: Status): void {
    const before = this.current.status.phase;
    if (status.phase === 'ended' && status.reason === 'crashed' && this.rejoins < maxRejoins) {
      this.rejoin(client.self?.unmuted ?? false);
      return;
    }
    this.set({ status, selfID: client.sessionID });
    if (status.phase === 'reconnecting') {
      this.speak(t('live.lost'));
    } else if (status.phase === 'connected' && before === 'reconnecting') {
      this.speak(t('live.back'));
    } else if (status.phase === 'ended') {
      this.set({ voices: [], screens: [], switching: false, soundBlocked: false });
      this.track?.stop();
      this.track = null;
    }
  }

  /** A fault of the server ended only our session: the call is still on, and the next try gets a new one. */
  private rejoin(unmuted: boolean): void {
    this.set({ status: { phase: 'reconnecting' }, voices: [], screens: [], sharing: false });
    this.speak(t('live.lost'));
    this.around.env.timers.set(() => this.begin(unmuted), rejoinMs * 2 ** this.rejoins++);
  }

  private onState(client: CallsClient, call: CallState): void {
    const before = this.current.call;
    const unmuted = call.participants.get(client.sessionID)?.unmuted;
    const switching = this.current.switching && before.participants.get(client.sessionID)?.unmuted === unmuted;
    this.set({ call, switching });
    void this.lookUp([...call.participants.values()].map((p) => p.userID)).then(() => {
      const said = announcements(before, call, client.sessionID, this.nameOf);
      if (said.length > 0) {
        this.speak(said.join(' '));
      }
    });
  }

  private onTrack(incoming: Incoming): void {
    const list = incoming.track.kind === 'audio' ? 'voices' : 'screens';
    const without = (track: MediaStreamTrack) => this.current[list].filter((other) => other.track !== track);
    this.set({ [list]: [...without(incoming.track), incoming] });
    const gone = () => {
      const now = this.current[list].find((other) => other.track === incoming.track);
      if (now?.stream === incoming.stream) {
        this.set({ [list]: without(incoming.track) });
      }
    };
    incoming.track.addEventListener('ended', gone);
    incoming.stream.addEventListener('removetrack', (event) => {
      if (event.track === incoming.track) {
        gone();
      }
    });
  }

  /** Does what a button asked for; a failure becomes a sentence. */
  private async tell(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.set({ error: asCallsError(error, 'protocol'), switching: false });
    }
  }

  /** Asks for the names that nobody has asked for yet. Without them the page says "Someone". */
  private async lookUp(ids: readonly string[]): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => id !== '' && !this.asked.has(id));
    if (unknown.length === 0) {
      return;
    }
    for (const id of unknown) {
      this.asked.add(id);
    }
    try {
      this.learn(await this.around.api.users(unknown));
    } catch {
      for (const id of unknown) {
        this.asked.delete(id);
      }
    }
  }

  private learn(users: readonly User[]): void {
    const names = new Map(this.current.names);
    for (const user of users) {
      names.set(user.id, user.name);
      this.asked.add(user.id);
    }
    this.set({ names });
  }

  private speak(text: string): void {
    this.set({ spoken: { text, id: this.current.spoken.id + 1 } });
  }

  private set(fields: Partial<View>): void {
    this.current = { ...this.current, ...fields };
    for (const listener of this.listeners) {
      listener(this.current);
    }
  }
}
