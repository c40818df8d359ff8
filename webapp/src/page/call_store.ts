/**
 * One's own part in a call, as the page and the widget show it: it owns the call client of the moment, and its methods are what the buttons do.
 * It draws nothing and knows no page, so that a pop-out can show the store of the window that opened it.
 */
import type { Api, HostAction, User } from '../engine/api';
import { CallsClient, type Status } from '../engine/client';
import type { Env, TimerID } from '../engine/env';
import { asCallsError } from '../engine/errors';
import type { Emoji, Reaction } from '../engine/events';
import type { CallState } from '../engine/state';
import { t } from '../i18n';
import { type Counters, readFacts } from './facts';
import { announcements } from './sentences';
import type { Settings } from './settings';
import type { Sound } from './sounds';
import { emptyTrail, follow, lookAway } from './trail';
import { type Devices, emptyView, type Incoming, type Microphone, noCallView, type View } from './view';

/** How often the page goes back into a call by itself after a fault of the server. */
const maxRejoins = 3;
const rejoinMs = 500;
/** Ends that are nobody's will: the line broke, or the server's whole plugin is gone and comes back within a minute. */
const cutOff: ReadonlySet<string> = new Set(['ice_failed', 'connection_closed', 'socket_lost']);
/** How often the page tries to come back after such an end, the waits doubling: two minutes with the time each try takes. */
const maxReturns = 7;
/** How long the microphone's switch waits for the server's echo before it can be pressed again. */
const echoMs = 1000;
const factsEveryMs = 2000;
const reactionMs = 4000;
/** Reactions shown at once; a crowd's applause must not grow without bound. */
const mostReactions = 40;
/** In calls of more people, nobody's coming makes a sound. */
const quietAbove = 8;

export interface Surroundings {
  env: Env;
  api: Api;
  socketURL: string;
  channelID: string;
  /** Title of the call that a join may start, and the thread that it is to be in. */
  title?: string;
  threadID?: string;
  settings: { read(): Settings; write(settings: Settings): void };
  openMicrophone(settings: Settings): Promise<MediaStreamTrack>;
  captureScreen(mode: View['shareMode']): Promise<MediaStream>;
  listDevices(): Promise<Devices>;
  play(sound: Sound, output: string): void;
  /** Calls back while there is a voice in the track; gives the function that stops it. */
  watchLevel(track: MediaStreamTrack, onVoice: () => void): () => void;
  /** Told of every new client, for those who look at the page from outside. */
  onClient(client: CallsClient): void;
}

export class CallStore {
  protected current: View;
  protected client: CallsClient | null = null;
  private readonly listeners = new Set<(view: View) => void>();
  private track: MediaStreamTrack | null = null;
  private readonly asked = new Set<string>();
  private rejoins = 0;
  /** While the page tries to come back: whether the microphone was open, and how often it has tried. */
  private returning: { unmuted: boolean; tries: number } | null = null;
  private counters: Counters | null = null;
  private factsTimer: TimerID | null = null;
  private reactionID = 0;
  private unwatch: (() => void) | null = null;
  private capture: MediaStream | null = null;

  constructor(protected readonly around: Surroundings) {
    this.current = { ...emptyView, settings: around.settings.read() };
  }

  get view(): View {
    return this.current;
  }

  get channelID(): string {
    return this.around.channelID;
  }

  get api(): Api {
    return this.around.api;
  }

  subscribe(listener: (view: View) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  readonly nameOf = (userID: string | undefined): string => (userID && this.current.names.get(userID)) || t('person.unknown');

  /** Goes into the call, with a microphone where there is one. */
  async join(withMicrophone: boolean, unmuted = false): Promise<void> {
    this.set({ busy: true, error: null });
    let microphone: Microphone = 'none';
    if (withMicrophone) {
      microphone = await this.openMicrophone();
    }
    this.rejoins = 0;
    this.returning = null;
    this.set({ busy: false, microphone, trail: emptyTrail });
    void this.learnLimits();
    void this.refreshDevices();
    this.begin(unmuted);
  }

  leave(): void {
    this.client?.leave();
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
    await this.setUnmuted(!client.self?.unmuted);
  }

  /** For push to talk too, where it comes twice as often. */
  async setUnmuted(unmuted: boolean): Promise<void> {
    const client = this.client;
    if (!client || !this.track) {
      return;
    }
    this.set({ switching: true, talksMuted: false, byHost: '' });
    this.around.env.timers.set(() => this.set({ switching: false }), echoMs);
    await this.tell(() => (unmuted ? client.unmute() : client.mute()));
  }

  toggleHand(): void {
    if (this.client?.self?.raisedHand) {
      this.client.lowerHand();
    } else {
      this.client?.raiseHand();
    }
  }

  react(emoji: Emoji): void {
    this.client?.react(emoji);
  }

  async toggleScreen(stream?: MediaStream): Promise<void> {
    const client = this.client;
    if (!client) {
      return;
    }
    if (this.current.sharing) {
      await client.unshareScreen();
      return;
    }
    let capture = stream;
    try {
      capture ??= await this.around.captureScreen(this.current.shareMode);
    } catch {
      return; // the person thought better of it, and knows
    }
    const chosen = capture;
    hint(chosen, this.current.shareMode);
    await this.tell(() => client.shareScreen(chosen));
  }

  /** Chooses between sharp text and smooth motion, also while sharing. */
  setShareMode(shareMode: View['shareMode']): void {
    this.set({ shareMode });
    if (this.capture) {
      hint(this.capture, shareMode);
    }
  }

  /** Changes what is remembered; a change of the microphone or of its switches takes effect at once. */
  async configure(change: Partial<Settings>): Promise<void> {
    const before = this.current.settings;
    const settings = { ...before, ...change };
    this.around.settings.write(settings);
    this.set({ settings });
    const ofMicrophone = ['input', 'autoGain', 'echoCancellation', 'noiseSuppression'] as const;
    if (this.track && ofMicrophone.some((key) => before[key] !== settings[key])) {
      const old = this.track;
      const microphone = await this.openMicrophone();
      await this.client?.setMicrophone(this.track);
      old.stop();
      this.set({ microphone });
    }
  }

  async refreshDevices(): Promise<void> {
    this.set({ devices: await this.around.listDevices().catch(() => emptyView.devices) });
  }

  /** Listens instead of talking: gives the microphone back to the browser. */
  async dropMicrophone(): Promise<void> {
    const track = this.track;
    this.useTrack(null);
    this.set({ microphone: 'none' });
    await this.client?.setMicrophone(null);
    track?.stop();
  }

  /** What a host may do to others; says so when the server refuses. */
  async asHost(action: HostAction, target = ''): Promise<void> {
    await this.tell(() => this.around.api.hostAction(this.around.channelID, action, target));
  }

  async endForAll(): Promise<void> {
    await this.tell(() => this.around.api.endCall(this.around.channelID));
  }

  dismiss(): void {
    this.set({ error: null, byHost: '' });
  }

  /** The page is looked at, or is not: what the trail calls away. */
  setAway(away: boolean): void {
    this.set({ trail: lookAway(this.current.trail, away, Date.now()) });
  }

  /** The browser plays no sound before the person has pressed something. */
  readonly soundBlocked = (): void => this.set({ soundBlocked: true });

  allowSound(): void {
    this.set({ soundBlocked: false, soundAttempt: this.current.soundAttempt + 1 });
  }

  sound(sound: Sound): void {
    if (this.current.settings.sounds || sound === 'test') {
      this.around.play(sound, this.current.settings.output);
    }
  }

  /** A microphone for the check before a call; whoever asks stops it. */
  openForCheck(): Promise<MediaStreamTrack> {
    return this.around.openMicrophone(this.current.settings);
  }

  /** The microphone's track, for a level meter. */
  get microphoneTrack(): MediaStreamTrack | null {
    return this.track;
  }

  protected async openMicrophone(): Promise<Microphone> {
    try {
      const track = await this.around.openMicrophone(this.current.settings);
      this.useTrack(track);
      track.onended = () => {
        if (this.track === track) {
          this.useTrack(null);
          this.set({ microphone: 'lost' });
          this.speak(t('live.microphone.lost'));
          void this.client?.setMicrophone(null);
        }
      };
      return 'open';
    } catch (error) {
      this.useTrack(null);
      const { detail } = asCallsError(error, 'no_microphone');
      return detail === 'blocked' || detail === 'insecure' ? detail : 'none';
    }
  }

  private useTrack(track: MediaStreamTrack | null): void {
    this.unwatch?.();
    this.track = track;
    this.unwatch = track
      ? this.around.watchLevel(track, () => {
          const self = this.client?.self;
          if (self && !self.unmuted && !this.current.switching && !this.current.talksMuted) {
            this.set({ talksMuted: true });
            this.speak(t('live.talks.muted'));
          }
        })
      : null;
  }

  private begin(unmuted: boolean): void {
    const { env, api, socketURL, channelID, title, threadID, onClient } = this.around;
    const client = new CallsClient(env, { channelID, socketURL, api, ...(title ? { title } : {}), ...(threadID ? { threadID } : {}) });
    this.client = client;
    this.set({ ...noCallView, step: 'call', status: client.status });
    client.on('status', (status) => this.onStatus(client, status));
    client.on('state', (state) => this.onState(client, state));
    client.on('track', (incoming) => this.onTrack(incoming));
    client.on('senders', (senders) => this.set({ senders }));
    client.on('reaction', (reaction) => this.onReaction(reaction));
    client.on('hostAction', (byHost) => {
      this.set({ byHost });
      this.speak(t(`live.host.${byHost}`));
    });
    client.on('capture', (capture) => {
      this.capture = capture;
      this.set({ sharing: capture !== null });
    });
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
    if (status.phase === 'ended' && this.comesBack(status.reason, before)) {
      this.rejoin(client.self?.unmuted ?? this.returning?.unmuted ?? false);
      return;
    }
    // Who comes back is not shown the way in again.
    const onTheWay = this.returning !== null && status.phase !== 'connected' && status.phase !== 'ended';
    this.set({ status: onTheWay ? { phase: 'reconnecting' } : status, selfID: client.sessionID });
    if (status.phase === 'reconnecting') {
      this.speak(t('live.lost'));
    } else if (status.phase === 'connected') {
      this.returning = null;
      if (before === 'reconnecting') {
        this.speak(t('live.back'));
      } else {
        this.sound('joinSelf');
      }
      this.watchFacts(client);
    } else if (status.phase === 'ended') {
      this.set({ voices: [], screens: [], reactions: [], switching: false, soundBlocked: false, talksMuted: false });
      const track = this.track;
      this.useTrack(null);
      track?.stop();
      if (before !== 'connecting') {
        this.sound('leaveSelf');
      }
    }
  }

  /** Says whether this end is one to come back from: a fault of the server, or a line that broke after it had been there. */
  private comesBack(reason: string, before: Status['phase']): boolean {
    if (reason === 'crashed') {
      return this.rejoins++ < maxRejoins;
    }
    if (this.returning) {
      return (cutOff.has(reason) || reason === 'failed') && this.returning.tries < maxReturns;
    }
    return cutOff.has(reason) && (before === 'connected' || before === 'reconnecting');
  }

  /** The next try gets a session of its own: in the same call if only ours ended, in a new one if the server was gone. */
  private rejoin(unmuted: boolean): void {
    const tries = this.returning?.tries ?? 0;
    this.returning = { unmuted, tries: tries + 1 };
    this.set({ status: { phase: 'reconnecting' }, voices: [], screens: [], sharing: false });
    if (tries === 0) {
      this.speak(t('live.lost'));
    }
    this.around.env.timers.set(() => this.begin(unmuted), rejoinMs * 2 ** tries);
  }

  private onState(client: CallsClient, call: CallState): void {
    const before = this.current.call;
    const unmuted = call.participants.get(client.sessionID)?.unmuted;
    const switching = this.current.switching && before.participants.get(client.sessionID)?.unmuted === unmuted;
    const trail = follow(this.current.trail, before, call, Date.now());
    this.set({ call, switching, trail, ...(unmuted ? { talksMuted: false } : {}) });
    this.soundOf(before, call, client.sessionID);
    void this.lookUp([...call.participants.values()].map((p) => p.userID)).then(() => {
      const said = announcements(before, call, client.sessionID, this.nameOf);
      if (said.length > 0) {
        this.speak(said.join(' '));
      }
    });
  }

  private soundOf(before: CallState, call: CallState, selfID: string): void {
    if (!before.participants.has(selfID)) {
      return;
    }
    const others = [...call.participants.values()].filter((p) => p.sessionID !== selfID);
    if (others.some((p) => !before.participants.has(p.sessionID)) && call.participants.size <= quietAbove) {
      this.sound('joinUser');
    }
    if (others.some((p) => p.raisedHand > 0 && before.participants.get(p.sessionID)?.raisedHand === 0)) {
      this.sound('hand');
    }
  }

  private onReaction(reaction: Reaction): void {
    const shown = { ...reaction, id: ++this.reactionID };
    const others = this.current.reactions.filter((r) => r.sessionID !== reaction.sessionID);
    this.set({ reactions: [...others, shown].slice(-mostReactions) });
    this.around.env.timers.set(() => this.set({ reactions: this.current.reactions.filter((r) => r.id !== shown.id) }), reactionMs);
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

  /** Looks at what the browser measures, as long as this client is the one and is in. */
  private watchFacts(client: CallsClient): void {
    if (this.factsTimer !== null) {
      this.around.env.timers.clear(this.factsTimer);
    }
    this.factsTimer = this.around.env.timers.set(async () => {
      this.factsTimer = null;
      if (this.client !== client || client.status.phase === 'ended') {
        return;
      }
      const report = await client.getStats().catch(() => new Map());
      const { facts, counters } = readFacts(report.values(), this.counters, this.around.env.timers.now());
      this.counters = counters;
      this.set({ facts });
      this.watchFacts(client);
    }, factsEveryMs);
  }

  private async learnLimits(): Promise<void> {
    try {
      const config = await this.around.api.config();
      this.set({ hostControls: config.hostControls, screenAllowed: config.screenSharing });
    } catch {
      // Without an answer all is offered, and the server refuses what it does not allow.
    }
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
  async lookUp(ids: readonly string[]): Promise<void> {
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

  learn(users: readonly User[]): void {
    const names = new Map(this.current.names);
    for (const user of users) {
      names.set(user.id, user.name);
      this.asked.add(user.id);
    }
    this.set({ names });
  }

  fail(error: unknown): void {
    this.set({ error: asCallsError(error, 'server') });
  }

  /** What the widget already knows of the channel, so that it need not ask. */
  describe(fields: Pick<View, 'title' | 'channelType' | 'me'>): void {
    this.set(fields);
  }

  protected speak(text: string): void {
    this.set({ spoken: { text, id: this.current.spoken.id + 1 } });
  }

  protected set(fields: Partial<View>): void {
    this.current = { ...this.current, ...fields };
    for (const listener of [...this.listeners]) {
      try {
        listener(this.current);
      } catch (error) {
        // A pop-out that was closed leaves a dead listener behind, and it must not keep the others from hearing.
        this.listeners.delete(listener);
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Tells the encoder what to keep when the line is thin. */
function hint(stream: MediaStream, mode: View['shareMode']): void {
  for (const track of stream.getVideoTracks()) {
    track.contentHint = mode;
  }
}

