/**
 * The part of the Mattermost web app that the bundle uses: globals, plugin registry and store, as they are since 6.6. Everything that came later, or may go, is
 * optional, and what is missing costs only what hangs on it.
 */

export type Unregistered = string | undefined;

/** A component of the host's React, whatever its version: nothing here looks into it. */
export type HostComponent = unknown;

export interface HostChannel {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
  readonly type: string;
  readonly team_id?: string;
  readonly delete_at?: number;
}

export interface HostPost {
  readonly id: string;
  readonly channel_id: string;
  readonly user_id: string;
  readonly message?: string;
  readonly root_id?: string;
  readonly props?: Readonly<Record<string, unknown>>;
}

export interface HostUser {
  readonly id: string;
  readonly username: string;
  readonly nickname?: string;
  readonly first_name?: string;
  readonly last_name?: string;
  readonly roles?: string;
  readonly locale?: string;
}

/** The store's state, as far as it is read. Every level may be missing while the host is starting. */
export interface HostState {
  readonly entities?: {
    readonly channels?: {
      readonly currentChannelId?: string;
      readonly channels?: Readonly<Record<string, HostChannel>>;
      readonly myMembers?: Readonly<Record<string, { readonly roles?: string; readonly scheme_admin?: boolean }>>;
    };
    readonly users?: { readonly currentUserId?: string; readonly profiles?: Readonly<Record<string, HostUser>>; readonly statuses?: Readonly<Record<string, string>> };
    readonly teams?: {
      readonly currentTeamId?: string;
      readonly teams?: Readonly<Record<string, { readonly name?: string }>>;
      readonly myMembers?: Readonly<Record<string, { readonly scheme_admin?: boolean; readonly roles?: string }>>;
    };
  };
  readonly [plugin: string]: unknown;
}

export interface HostStore {
  getState(): HostState;
  dispatch(action: { type: string } & Record<string, unknown>): unknown;
  subscribe(listener: () => void): () => void;
}

/** A WebSocket event as the host hands it to plugins. */
export interface HostMessage {
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly broadcast?: { readonly channel_id?: string };
  readonly seq?: number;
}

export interface CommandArgs {
  readonly channel_id: string;
  readonly team_id?: string;
  readonly root_id?: string;
}

/** What a hook gives back: the command to go on with, nothing when it is done, or an error that the host shows. */
export type HookResult = { message?: string; args?: CommandArgs; error?: { message: string } };

export interface Registry {
  registerReducer?(reducer: (state: unknown, action: { type: string }) => unknown): void;
  registerCallButtonAction?(button: HostComponent, dropdownButton: HostComponent, action: (channel?: HostChannel) => void): Unregistered;
  registerChannelHeaderButtonAction?(icon: unknown, action: (channel?: HostChannel) => void, dropdownText: string, tooltipText: string): Unregistered;
  registerChannelHeaderMenuAction?(text: string, action: (channelID?: string) => void, shouldRender: (state: HostState) => boolean): Unregistered;
  registerSidebarChannelLinkLabelComponent?(component: HostComponent): Unregistered;
  registerChannelToastComponent?(component: HostComponent): Unregistered;
  registerPostTypeComponent?(type: string, component: HostComponent): Unregistered;
  registerRootComponent?(component: HostComponent): Unregistered;
  registerGlobalComponent?(component: HostComponent): Unregistered;
  registerNeedsTeamRoute?(route: string, component: HostComponent): Unregistered;
  registerSlashCommandWillBePostedHook?(hook: (message: string, args: CommandArgs) => HookResult | Promise<HookResult>): Unregistered;
  registerWebSocketEventHandler?(event: string, handler: (message: HostMessage) => void): void;
  registerReconnectHandler?(handler: () => void): void;
  registerAdminConsoleCustomSetting?(key: string, component: HostComponent, options?: { showTitle?: boolean }): void;
  registerTranslations?(translations: (locale: string) => Readonly<Record<string, string>>): void;
}

/** The least of React that an island takes. */
export interface HostReact {
  createElement(type: unknown, props?: object | null, ...children: unknown[]): unknown;
  readonly Component: new (props: never) => { props: never };
}

export interface HostWindow {
  registerPlugin?(id: string, plugin: object): void;
  React?: HostReact;
  /** The folder that the site lives in, where it lives in one. */
  basename?: string;
  /** There in the desktop app only. */
  desktop?: { version?: string };
  WebappUtils?: { browserHistory?: { push(path: string): void } };
}
