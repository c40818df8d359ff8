/** The host's own objects, as far as the page uses them; the same names as the server's API. */

export interface User {
  id: string;
  username: string;
  nickname: string;
  first_name: string;
  last_name: string;
  roles: string;
  locale: string;
}

export interface Team {
  id: string;
  name: string;
  display_name: string;
}

export interface Channel {
  id: string;
  name: string;
  display_name: string;
  type: string;
  team_id: string;
  delete_at: number;
}

export interface Post {
  id: string;
  channel_id: string;
  user_id: string;
  root_id: string;
  message: string;
  type: string;
  create_at: number;
  delete_at: number;
  props: Record<string, unknown>;
}

export interface SocketMessage {
  event: string;
  data: Record<string, unknown>;
  broadcast: { channel_id?: string };
  seq: number;
}

/** What a plugin registered, by the name of the place. */
export interface Registered {
  id: string;
  pluginId: string;
  component?: React.ElementType;
  button?: React.ReactNode;
  dropdownButton?: React.ReactNode;
  icon?: React.ReactNode;
  text?: React.ReactNode;
  dropdownText?: React.ReactNode;
  tooltipText?: React.ReactNode;
  type?: string;
  route?: string;
  action?: (...args: never[]) => void;
  shouldRender?: (state: State) => boolean;
  hook?: (message: string, args: object) => unknown;
}

export interface State {
  entities: {
    general: { config: Record<string, string> };
    users: { currentUserId: string; profiles: Record<string, User>; statuses: Record<string, string> };
    teams: { currentTeamId: string; teams: Record<string, Team>; myMembers: Record<string, unknown> };
    channels: { currentChannelId: string; channels: Record<string, Channel>; myMembers: Record<string, unknown> };
    posts: { posts: Record<string, Post> };
  };
  plugins: { components: Record<string, Registered[]> };
  [plugin: string]: unknown;
}

export type Action = { type: string; [key: string]: unknown };
