/** The call page: who looks, at which channel, and then the call. */
import type { Channel } from '../engine/api';
import { asCallsError, CallsError } from '../engine/errors';
import type { Colour } from '../ui/theme';
import { CallStore } from './call_store';
import { themeOf } from './host_theme';
import type { Surroundings } from './surroundings';
import type { TabHooks, Tabs } from './tabs';

export class PageStore extends CallStore {
  /** The window whose call is being moved here. */
  private taking = '';

  /** `paint` gives the page the colours of the host's theme. */
  constructor(around: Surroundings, private readonly paint: (theme: Readonly<Record<string, Colour>>) => void = () => undefined) {
    super(around);
  }

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

  /** From the lobby into the call. Where another window of ours is in it, that is moved here as it was. */
  async enter(listen: boolean, unmuted = this.view.elsewhere?.unmuted ?? false): Promise<void> {
    this.taking = this.view.elsewhere?.tab ?? '';
    await this.join(!listen, unmuted);
  }

  /** Says to the person's other windows where this one is, and takes their call when it joins the same. */
  keepTabs(open: (hooks: TabHooks) => Tabs): void {
    const tabs = open({
      changed: (others) => this.set({ elsewhere: others.find((e) => e.channelID === this.channelID) ?? null }),
      leave: () => this.leave(),
    });
    this.subscribe(({ status, call, selfID, sharing }) => {
      const inCall = status.phase !== 'idle' && status.phase !== 'ended';
      tabs.tell(inCall ? { channelID: this.channelID, unmuted: call.participants.get(selfID)?.unmuted ?? false, ...(sharing ? { sharing } : {}) } : null);
      if (status.phase === 'connected' && this.taking !== '') {
        tabs.takeFrom(this.taking);
        this.taking = '';
      }
    });
  }

  /** Back to the page before the call, with what is true now. */
  async again(): Promise<void> {
    this.set({ status: { phase: 'idle' } });
    await this.load();
  }

  private async loadChannel(): Promise<void> {
    const { api, channelID } = this.around;
    // Without the theme the page looks as the browser's own setting says.
    const [channel, { call }, themes] = await Promise.all([api.channel(channelID), api.call(channelID), api.themes().catch(() => ({}))]);
    const theme = themeOf(themes, channel.teamID);
    if (theme) {
      this.paint(theme);
    }
    await this.lookUp([...channel.partners, ...(call?.participants.map((p) => p.userID) ?? [])]);
    this.set({ step: 'lobby', title: this.titleOf(channel), channelType: channel.type, waiting: call });
  }

  private titleOf(channel: Channel): string {
    const partner = channel.partners.find((id) => id !== this.view.me?.id);
    return partner ? this.nameOf(partner) : channel.name;
  }
}
