/** What the server tells: asked for at the start and after gaps, and the events between. All of it goes into the host's store. */
import type { Api, ChannelCall } from '../engine/api';
import { callStateOf, toCallEvent } from '../engine/events';
import type { ServerFrame } from '../engine/frames';
import type { UI } from '../incall/ui';
import type { HostMessage } from './contract';
import type { Diary } from './diary';
import type { Directory } from './directory';
import type { Ringer } from './ringing';
import type { CallsAction, CallsState } from './state';

/** Events that come in one burst are followed by one question to the server. */
const refetchMs = 500;

interface Around {
  api: Api;
  directory: Directory;
  ringer: Ringer;
  diary: Diary;
  state(): CallsState;
  dispatch(action: CallsAction): void;
  /** What draws calls, when it is there already. */
  loaded(): UI | null;
  setTimeout(fn: () => void, ms: number): unknown;
}

export class Feed {
  private readonly refetching = new Set<string>();

  constructor(private readonly around: Around) {}

  /** Everything that is to be known at the start, and again after the host's own socket was away. */
  async load(): Promise<void> {
    const { api, dispatch } = this.around;
    const before = this.state.calls;
    try {
      const [config, channels] = await Promise.all([api.config(), api.channels()]);
      dispatch({ kind: 'config', config });
      const told = new Set(channels.map((c) => c.channelID));
      // Only what was known when we asked: a call that began meanwhile is in our state by its event, and not yet in the answer.
      const gone = Object.entries(before).filter(([id, call]) => !told.has(id) && this.state.calls[id]?.callID === call.callID);
      dispatch({ kind: 'channels', channels: [...channels, ...gone.map(([channelID]): ChannelCall => ({ channelID, enabled: null, call: null }))] });
      for (const { call } of channels) {
        if (call?.dismissed) {
          dispatch({ kind: 'dismissed', callID: call.callID });
        }
      }
      this.around.ringer.late();
    } catch {
      // The host goes on without calls; the next reconnect asks again.
    }
  }

  /** A channel's call and choice. */
  async loadChannel(channelID: string): Promise<void> {
    try {
      this.around.dispatch({ kind: 'channels', channels: [await this.around.api.call(channelID)] });
    } catch {
      // As above.
    }
  }

  onMessage(name: string, message: HostMessage): void {
    const frame: ServerFrame = { name, own: true, seq: message.seq ?? 0, channelID: message.broadcast?.channel_id ?? '', data: message.data ?? {} };
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const channelID = text(frame.data.channelID) || text(frame.data.channel_id) || frame.channelID;
    const { call_id: call, v, session_id: session, reason } = frame.data;
    this.around.diary.note(name, { channel: channelID, call, v, session, reason });
    if (name === 'user_dismissed_notification') {
      this.onDismissed(text(frame.data.callID));
    } else if (channelID === '') {
      return;
    } else if (name === 'channel_enable_voice' || name === 'channel_disable_voice') {
      this.around.dispatch({ kind: 'enabled', channelID, enabled: name === 'channel_enable_voice' });
    } else if (name === 'call_state') {
      const call = callStateOf(frame);
      if (call) {
        this.around.dispatch({ kind: 'channels', channels: [{ channelID, enabled: this.state.enabled[channelID] ?? null, call }] });
      }
    } else {
      this.onEvent(channelID, frame);
    }
  }

  private get state(): CallsState {
    return this.around.state();
  }

  private onEvent(channelID: string, frame: ServerFrame): void {
    const event = toCallEvent(frame);
    if (!event) {
      return;
    }
    const { myID } = this.around.directory;
    this.around.dispatch({ kind: 'event', channelID, event });
    const call = this.state.calls[channelID];
    if (event.type === 'started') {
      this.around.ringer.ring(channelID, Date.now());
    } else if (!call) {
      this.around.loaded()?.missed(channelID);
    } else if (event.type === 'joined' && event.userID === myID) {
      this.around.loaded()?.stopRinging(channelID); // taken on this or another device
    }
    if (event.type === 'joined' && event.userID === myID && this.state.mine?.channelID === channelID && call?.threadID) {
      this.follow(channelID, call.threadID);
    }
    if (call?.stale) {
      this.refetch(channelID);
    }
  }

  private refetch(channelID: string): void {
    if (!this.refetching.has(channelID)) {
      this.refetching.add(channelID);
      this.around.setTimeout(() => {
        this.refetching.delete(channelID);
        void this.loadChannel(channelID);
      }, refetchMs);
    }
  }

  /** Who is in a call hears of what is written in its thread. */
  private follow(channelID: string, threadID: string): void {
    const { api, directory } = this.around;
    const team = directory.teamID(channelID);
    if (team !== '') {
      api.followThread(directory.myID, team, threadID).catch(() => undefined); // the thread is there all the same
    }
  }

  private onDismissed(callID: string): void {
    this.around.dispatch({ kind: 'dismissed', callID });
    this.around.loaded()?.stopRinging('', callID);
  }
}
