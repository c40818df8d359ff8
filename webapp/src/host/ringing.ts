/** Which calls ring: direct and group calls of others, where the server has that switched on, for as long as half a minute from their begin. */
import type { CallState } from '../engine/state';
import type { UI } from '../incall/ui';
import type { Directory } from './directory';
import { type CallsState, ringMs } from './state';

interface Around {
  directory: Directory;
  state(): CallsState;
  /** What the host says about whether we are to be disturbed: online, away, dnd, offline. */
  myStatus(): string;
  needUI(): Promise<UI>;
  /** Another window of ours rings. */
  silent: boolean;
}

export class Ringer {
  constructor(private readonly around: Around) {}

  /** A call may have begun before this page was there, or before it knew that calls ring here: it rings for as long as is left. */
  late(): void {
    const now = Date.now();
    for (const [channelID, call] of Object.entries(this.around.state().calls)) {
      // A server whose clock is ahead of ours has calls that begin in the future.
      const begin = Math.min(now, call.startAt);
      if (now - begin < ringMs && ![...call.participants.values()].some((p) => p.userID === this.around.directory.myID)) {
        this.ring(channelID, begin);
      }
    }
  }

  /** Rings where that is due. Who is not to be disturbed finds a note only. */
  ring(channelID: string, at: number): void {
    const { directory } = this.around;
    const call = this.around.state().calls[channelID];
    const type = directory.channel(channelID)?.type;
    if (!call || (type !== 'D' && type !== 'G') || !this.isDue(channelID, call)) {
      return;
    }
    const quiet = this.around.myStatus() === 'dnd';
    const { callID, hostID: callerID } = call;
    const group = type === 'G' ? directory.channelName(channelID) : '';
    this.around.needUI().then(
      (ui) => ui.ring({ channelID, callID, caller: directory.nameOf(callerID), callerID, inCall: this.around.state().mine !== null, group, at, quiet }),
      () => undefined,
    );
  }

  private isDue(channelID: string, call: CallState): boolean {
    const { config, mine, dismissed } = this.around.state();
    return config?.ringing === true && !this.around.silent && call.hostID !== this.around.directory.myID && mine?.channelID !== channelID && !dismissed[call.callID];
  }
}
