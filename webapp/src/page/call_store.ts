/**
 * One's own part in a call, as the page and the widget show it: it owns the call client of the moment, and its methods are what the buttons do.
 * It draws nothing and knows no page, so that a pop-out can show the store of the window that opened it.
 */
import type { Api, HostAction, User } from '../engine/api';
import { CallsClient } from '../engine/client';
import type { TimerID } from '../engine/env';
import { asCallsError } from '../engine/errors';
import type { Emoji } from '../engine/events';
import type { CallState } from '../engine/state';
import type { Status } from '../engine/status';
import { t } from '../i18n';
import { soundsOf } from './changes';
import { Comeback } from './comeback';
import { FactsWatch } from './facts_watch';
import { Names } from './names';
import { Network } from './network';
import { OwnMicrophone } from './own_microphone';
import { Received } from './received';
import { OwnScreen } from './own_screen';
import { announcements } from './sentences';
import type { Settings } from './settings';
import type { Sound } from './sounds';
import type { Surroundings } from './surroundings';
import { emptyTrail, follow, lookAway } from './trail';
import { emptyView, type Microphone, noCallView, type View } from './view';
import { ViewBox } from './view_box';

/** How long the microphone's switch waits for the server's echo before it can be pressed again. */
const echoMs = 1000;
export class CallStore {
  private readonly box: ViewBox;
  private readonly names: Names;
  private readonly microphone: OwnMicrophone;
  private readonly screen: OwnScreen;
  private readonly received: Received;
  private readonly comeback = new Comeback();
  private readonly factsWatch: FactsWatch;
  private readonly network: Network;
  private client: CallsClient | null = null;
  /** Counts joins and leaves: what was under way at a Leave, such as the browser's question for the microphone, no longer leads into a call. */
  private attempt = 0;
  private rejoinTimer: TimerID | null = null;

  constructor(protected readonly around: Surroundings) {
    const { timers } = around.env;
    this.box = new ViewBox({ ...emptyView, settings: around.settings.read() });
    this.names = new Names(this.box, () => around.api);
    this.received = new Received(this.box, timers);
    this.screen = new OwnScreen(this.box, (sound) => around.captureScreen(sound), (action) => this.tell(action));
    this.network = new Network(this.box, timers);
    this.factsWatch = new FactsWatch(timers, (facts, stats) => this.network.measured(facts, stats));
    this.microphone = new OwnMicrophone(around, {
      settings: () => this.view.settings,
      voice: () => this.onOwnVoice(),
      lost: () => this.onMicrophoneLost(),
    });
  }

  get view(): View {
    return this.box.view;
  }

  get channelID(): string {
    return this.around.channelID;
  }

  get api(): Api {
    return this.around.api;
  }

  subscribe(listener: (view: View) => void): () => void {
    return this.box.subscribe(listener);
  }

  readonly nameOf = (userID: string | undefined): string => this.names.of(userID);

  /** Goes into the call, with a microphone where there is one. */
  async join(withMicrophone: boolean, unmuted = false): Promise<void> {
    this.set({ busy: true, error: null });
    const attempt = ++this.attempt;
    let microphone: Microphone = 'none';
    if (withMicrophone) {
      microphone = await this.microphone.open();
    }
    if (attempt !== this.attempt) {
      if (this.view.status.phase === 'ended') {
        this.microphone.release()?.stop();
      }
      return;
    }
    this.comeback.reset();
    this.network.reset();
    this.set({ busy: false, microphone, trail: emptyTrail });
    void this.learnLimits();
    void this.refreshDevices();
    this.begin(unmuted);
  }

  leave(): void {
    this.attempt++;
    if (this.client && this.client.status.phase !== 'ended') {
      this.client.leave();
    } else if (this.view.busy || this.comeback.underWay) {
      this.over({ phase: 'ended', reason: 'left' }); // before the first try, or between two, there is no client that could be told
    }
  }

  /** Opens or closes the microphone; where there is none, asks for it. */
  async toggleMicrophone(): Promise<void> {
    const client = this.client;
    if (!client) {
      return;
    }
    if (!this.microphone.track) {
      const microphone = await this.microphone.open();
      if (this.view.status.phase !== 'ended') {
        this.set({ microphone });
        await this.client?.setMicrophone(this.microphone.track); // the browser may have asked for long: the call may be with another client by now
      }
      return;
    }
    await this.setUnmuted(!client.self?.unmuted);
  }

  /** There is a microphone, and it is closed. Who has opened it is not to be muted by a key that goes up. */
  get muted(): boolean {
    return this.microphone.track !== null && this.client?.microphoneOpen === false;
  }

  /** For push to talk too, where it comes twice as often. */
  async setUnmuted(unmuted: boolean): Promise<void> {
    const client = this.client;
    if (!client || !this.microphone.track) {
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
    if (this.client) {
      await this.screen.toggle(this.client, stream);
    }
  }

  setShareMode(shareMode: View['shareMode']): void {
    this.screen.setMode(shareMode);
  }

  /** Changes what is remembered; a change of the microphone or of its switches takes effect at once. */
  async configure(change: Partial<Settings>): Promise<void> {
    const before = this.view.settings;
    const settings = { ...before, ...change };
    this.around.settings.write(settings);
    this.set({ settings });
    const ofMicrophone = ['input', 'autoGain', 'echoCancellation', 'noiseSuppression'] as const;
    const old = this.microphone.track;
    if (old && ofMicrophone.some((key) => before[key] !== settings[key])) {
      const microphone = await this.microphone.open();
      await this.client?.setMicrophone(this.microphone.track);
      if (old !== this.microphone.track) {
        old.stop(); // unless another change came meanwhile, which is to stop it
      }
      this.set({ microphone });
    }
  }

  async refreshDevices(): Promise<void> {
    this.set({ devices: await this.around.listDevices().catch(() => emptyView.devices) });
  }

  /** Listens instead of talking: gives the microphone back to the browser. */
  async dropMicrophone(): Promise<void> {
    const track = this.microphone.release();
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
    this.set({ trail: lookAway(this.view.trail, away, Date.now()) });
  }

  /** The browser plays no sound before the person has pressed something. */
  readonly soundBlocked = (): void => this.set({ soundBlocked: true });

  allowSound(): void {
    this.set({ soundBlocked: false, soundAttempt: this.view.soundAttempt + 1 });
  }

  sound(sound: Sound): void {
    if (this.view.settings.sounds || sound === 'test') {
      this.around.play(sound, this.view.settings.output);
    }
  }

  /** A microphone for the check before a call; whoever asks stops it. */
  openForCheck(): Promise<MediaStreamTrack> {
    return this.around.openMicrophone(this.view.settings);
  }

  /** The microphone's track, for a level meter. */
  get microphoneTrack(): MediaStreamTrack | null {
    return this.microphone.track;
  }

  private onOwnVoice(): void {
    const self = this.client?.self;
    if (self && !self.unmuted && !this.view.switching && !this.view.talksMuted) {
      this.set({ talksMuted: true });
      this.speak(t('live.talks.muted'));
    }
  }

  private onMicrophoneLost(): void {
    this.set({ microphone: 'lost' });
    this.speak(t('live.microphone.lost'));
    void this.client?.setMicrophone(null);
  }

  private begin(unmuted: boolean): void {
    const { env, api, socketURL, channelID, title, threadID, onClient } = this.around;
    const client = new CallsClient(env, { channelID, socketURL, api, ...(title ? { title } : {}), ...(threadID ? { threadID } : {}) });
    this.client = client;
    this.set({ ...noCallView, step: 'call', status: client.status });
    client.on('status', (status) => this.onStatus(client, status));
    client.on('state', (state) => this.onState(client, state));
    client.on('track', (incoming) => this.received.track(incoming));
    client.on('senders', (senders) => this.set({ senders }));
    client.on('reaction', (reaction) => this.received.reaction(reaction));
    client.on('hostAction', (byHost) => {
      this.set({ byHost });
      this.speak(t(`live.host.${byHost}`));
    });
    client.on('capture', (capture) => this.screen.captured(capture));
    client.on('roundTrip', (roundTrip) => this.set({ roundTrip }));
    client.on('error', (error) => this.set({ error }));
    void client.setMicrophone(this.microphone.track);
    if (unmuted && this.microphone.track) {
      void client.unmute();
    }
    onClient(client);
    client.join();
  }

  private onStatus(client: CallsClient, status: Status): void {
    const before = this.view.status.phase;
    if (status.phase === 'ended' && this.comeback.from(status, before)) {
      this.rejoin(client.self?.unmuted ?? this.comeback.unmuted);
      return;
    }
    // Who comes back is not shown the way in again.
    const onTheWay = this.comeback.underWay && status.phase !== 'connected' && status.phase !== 'ended';
    this.set({ status: onTheWay ? { phase: 'reconnecting' } : status, selfID: client.sessionID });
    if (status.phase === 'reconnecting') {
      this.network.lost();
      this.speak(t('live.lost'));
    } else if (status.phase === 'connected') {
      this.comeback.arrived();
      this.network.arrived();
      if (before === 'reconnecting') {
        this.speak(t('live.back'));
      } else {
        this.sound('joinSelf');
      }
      this.factsWatch.start(client);
    } else if (status.phase === 'ended') {
      this.over(status);
      if (before !== 'connecting') {
        this.sound('leaveSelf');
      }
    }
  }

  /** Gives back all that belonged to the call. */
  private over(status: Status & { phase: 'ended' }): void {
    if (this.rejoinTimer !== null) {
      this.around.env.timers.clear(this.rejoinTimer);
      this.rejoinTimer = null;
    }
    this.comeback.reset();
    this.microphone.release()?.stop();
    this.set({ status, busy: false, voices: [], screens: [], reactions: [], switching: false, soundBlocked: false, talksMuted: false });
  }

  /** The next try gets a session of its own: in the same call if only ours ended, in a new one if the server was gone. */
  private rejoin(unmuted: boolean): void {
    const { waitMs, first } = this.comeback.next(unmuted);
    this.network.lost();
    this.set({ status: { phase: 'reconnecting' }, voices: [], screens: [], sharing: false });
    if (first) {
      this.speak(t('live.lost'));
    }
    this.rejoinTimer = this.around.env.timers.set(() => {
      this.rejoinTimer = null;
      this.begin(unmuted);
    }, waitMs);
  }

  private onState(client: CallsClient, call: CallState): void {
    const before = this.view.call;
    const unmuted = call.participants.get(client.sessionID)?.unmuted;
    const switching = this.view.switching && before.participants.get(client.sessionID)?.unmuted === unmuted;
    const trail = follow(this.view.trail, before, call, Date.now());
    this.set({ call, switching, trail, ...(unmuted ? { talksMuted: false } : {}) });
    for (const sound of soundsOf(before, call, client.sessionID)) {
      this.sound(sound);
    }
    void this.lookUp([...call.participants.values()].map((p) => p.userID)).then(() => {
      const said = announcements(before, call, client.sessionID, this.nameOf);
      if (said.length > 0) {
        this.speak(said.join(' '));
      }
    });
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

  lookUp(ids: readonly string[]): Promise<void> {
    return this.names.lookUp(ids);
  }

  learn(users: readonly User[]): void {
    this.names.learn(users);
  }

  fail(error: unknown): void {
    this.set({ error: asCallsError(error, 'server') });
  }

  /** What the widget already knows of the channel, so that it need not ask. */
  describe(fields: Pick<View, 'title' | 'channelType' | 'me'>): void {
    this.set(fields);
  }

  protected set(fields: Partial<View>): void {
    this.box.set(fields);
  }

  private speak(text: string): void {
    this.box.speak(text);
  }
}
