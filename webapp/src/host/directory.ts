/** Whom and what the host knows: people, channels, their addresses, and who may do what in them. */
import type { Api } from '../engine/api';
import { t } from '../i18n';
import { pluginID } from '../manifest';
import type { HostChannel, HostState, HostUser } from './contract';

interface Around {
  hostState(): HostState;
  /** Names that the host did not know and the server told. */
  told(): Readonly<Record<string, string>>;
  learn(names: Readonly<Record<string, string>>): void;
  users: Api['users'];
  setTimeout(fn: () => void, ms: number): unknown;
  /** The folder that the site lives in; empty for none. */
  basename: string;
}

export class Directory {
  private readonly asked = new Set<string>();
  private readonly wanted: string[] = [];

  constructor(private readonly around: Around) {}

  /** The next person may ask for all names anew. */
  forget(): void {
    this.asked.clear();
  }

  get currentChannelID(): string {
    return this.entities?.channels?.currentChannelId ?? '';
  }

  get myID(): string {
    return this.entities?.users?.currentUserId ?? '';
  }

  get me(): HostUser | undefined {
    return this.entities?.users?.profiles?.[this.myID];
  }

  channel(id: string): HostChannel | undefined {
    return this.entities?.channels?.channels?.[id];
  }

  /** A channel's name as people see it; a direct one is called by the other person. */
  channelName(id: string): string {
    const channel = this.channel(id);
    return channel?.type === 'D' ? this.nameOf(this.partnerIn(channel)) : (channel?.display_name ?? '');
  }

  /** What people call a user. The host knows most of them; the others are asked for. */
  nameOf(userID: string): string {
    const profile = this.entities?.users?.profiles?.[userID];
    const known = profile ? nameOfUser(profile) : this.around.told()[userID];
    if (known === undefined && userID !== '' && !this.asked.has(userID)) {
      this.asked.add(userID);
      // All that one drawing of the page does not know is asked for at once.
      if (this.wanted.push(userID) === 1) {
        this.around.setTimeout(() => void this.fetchNames(), 0);
      }
    }
    return known ?? t('person.unknown');
  }

  /** The team that a channel is looked at in: its own, or for those of no team the one that is open. */
  teamID(channelID: string): string {
    return this.channel(channelID)?.team_id || this.entities?.teams?.currentTeamId || '';
  }

  /** An address that leads into the channel's call, now and later. */
  linkTo(channelID: string): string {
    return `${window.location.origin}${this.around.basename}/${this.teamName(channelID)}/channels/${channelID}?join_call=true`;
  }

  /** The path of a channel inside the site; empty where the host does not know it. */
  pathTo(channelID: string): string {
    const channel = this.channel(channelID);
    const team = this.teamName(channelID);
    if (!channel || team === '') {
      return '';
    }
    const username = channel.type === 'D' ? this.entities?.users?.profiles?.[this.partnerIn(channel)]?.username : undefined;
    return username ? `/${team}/messages/@${username}` : `/${team}/channels/${channel.type === 'D' ? channel.id : channel.name}`;
  }

  /** The address of the large view; empty where the team is not known. */
  largeAddress(channelID: string): string {
    const team = this.teamName(channelID);
    return team === '' ? '' : `${window.location.origin}${this.around.basename}/${team}/${pluginID}/expanded/${encodeURIComponent(channelID)}`;
  }

  /** Who may switch calls on and off: system admins, admins of the channel or its team, everybody in a direct channel. The server decides anew. */
  mayEnable(channelID: string): boolean {
    const { channels, teams } = this.entities ?? {};
    const member = channels?.myMembers?.[channelID];
    const channel = this.channel(channelID);
    const team = teams?.myMembers?.[channel?.team_id ?? ''];
    const system = has(this.me?.roles, 'system_admin');
    return system || channel?.type === 'D' || channel?.type === 'G' || member?.scheme_admin === true || has(member?.roles, 'channel_admin') || team?.scheme_admin === true || has(team?.roles, 'team_admin');
  }

  private get entities(): HostState['entities'] {
    return this.around.hostState().entities;
  }

  private partnerIn(channel: HostChannel): string {
    return channel.name.split('__').find((id) => id !== this.myID) ?? this.myID;
  }

  private teamName(channelID: string): string {
    return this.entities?.teams?.teams?.[this.teamID(channelID)]?.name ?? '';
  }

  private async fetchNames(): Promise<void> {
    const ids = this.wanted.splice(0);
    try {
      const users = await this.around.users(ids);
      this.around.learn(Object.fromEntries(users.map((u) => [u.id, u.name])));
    } catch {
      for (const id of ids) {
        this.asked.delete(id);
      }
    }
  }
}

export function nameOfUser(user: HostUser): string {
  const full = [user.first_name, user.last_name].filter(Boolean).join(' ');
  return user.nickname || full || user.username;
}

function has(roles: string | undefined, role: string): boolean {
  return roles?.split(' ').includes(role) ?? false;
}
