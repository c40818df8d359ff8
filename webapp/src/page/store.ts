/** The call page: who looks, at which channel, and then the call. */
import type { Channel } from '../engine/api';
import { asCallsError, CallsError } from '../engine/errors';
import { CallStore } from './call_store';

export class PageStore extends CallStore {
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

  /** Back to the page before the call, with what is true now. */
  async again(): Promise<void> {
    this.set({ status: { phase: 'idle' } });
    await this.load();
  }

  private async loadChannel(): Promise<void> {
    const { api, channelID } = this.around;
    const [channel, { call }] = await Promise.all([api.channel(channelID), api.call(channelID)]);
    await this.lookUp([...channel.partners, ...(call?.participants.map((p) => p.userID) ?? [])]);
    this.set({ step: 'lobby', title: this.titleOf(channel), channelType: channel.type, waiting: call });
  }

  private titleOf(channel: Channel): string {
    const partner = channel.partners.find((id) => id !== this.view.me?.id);
    return partner ? this.nameOf(partner) : channel.name;
  }
}
