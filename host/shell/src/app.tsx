/** The page: signing in, sidebar, channel, thread, and the places that plugins draw into. */
import { loadPosts, request } from './client';
import { Console } from './console';
import { channelOf, correct, go, pathTo, titleOf, usePath } from './navigation';
import { Composer, Posts } from './posts';
import { store, useRegistered, useSelector } from './store';
import { applyTheme, themes } from './theme';
import type { Channel, Registered } from './types';

export function App({ onSignIn }: { onSignIn: () => Promise<void> }) {
  const me = useSelector((s) => s.entities.users.currentUserId);
  const path = usePath();
  if (me === '') {
    return <Login onSignIn={onSignIn} />;
  }
  return (
    <>
      <TopBar />
      {path.startsWith('/admin_console') ? <Console path={path} /> : <Main path={path} />}
      {/* Over all products: what is registered here stays when the person goes from one to another. */}
      <Globals name="Global" />
    </>
  );
}

function Globals({ name }: { name: string }) {
  return <>{useRegistered(name).map(({ id, component: Component }) => Component && <Component key={id} />)}</>;
}

function Main({ path }: { path: string }) {
  const route = path.split('/').slice(2).join('/');
  const routed = useRegistered('NeedsTeamComponent').find((r) => route === r.route || route.startsWith(`${r.route}/`));
  if (routed?.component) {
    const Component = routed.component;
    return <Component />;
  }
  if (path.startsWith('/boards')) {
    return <main className="product"><h1>Another product</h1><p>The web app has more than channels. This page stands for one of those; a call goes on here.</p></main>;
  }
  return <Team path={path} />;
}

function Login({ onSignIn }: { onSignIn: () => Promise<void> }) {
  const [problem, setProblem] = React.useState('');
  const submit = async (event: React.FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      await request('POST', '/users/login', { login_id: String(form.get('login')).trim(), password: String(form.get('password')) });
      await onSignIn();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <main className="login">
      <form onSubmit={(event) => void submit(event)}>
        <h1>Sign in</h1>
        <StandIn />
        {problem && <p role="alert">{problem}</p>}
        <label>User name<input name="login" autoComplete="username" data-testid="login-id" required /></label>
        <label>Password<input name="password" type="password" autoComplete="current-password" data-testid="login-password" required /></label>
        <button type="submit" className="primary" data-testid="login-submit">Sign in</button>
        <p>People here: sysadmin, alice, bob, carol, dave. <code>make run</code> printed their password.</p>
      </form>
    </main>
  );
}

function StandIn() {
  return <p className="note">This page stands in for the Mattermost web app, which is not part of this server. The server behind it is a real Mattermost, and the plugin is the real plugin.</p>;
}

function TopBar() {
  const admin = useSelector((s) => s.entities.users.profiles[s.entities.users.currentUserId]?.roles.includes('system_admin') ?? false);
  const name = useSelector((s) => s.entities.users.profiles[s.entities.users.currentUserId]?.username ?? '');
  const out = async () => {
    await request('POST', '/users/logout');
    location.href = '/';
  };
  return (
    <header className="top-bar">
      <nav aria-label="Products">
        <button type="button" onClick={() => go('/')}>Channels</button>
        <button type="button" onClick={() => go('/boards')}>Another product</button>
        {admin && <button type="button" onClick={() => go('/admin_console/plugins/plugin_com.mattermost.calls')}>System Console</button>}
      </nav>
      <span className="note">A stand-in for the Mattermost web app</span>
      <select aria-label="Theme" data-testid="theme" defaultValue={localStorage.getItem('theme') ?? 'denim'} onChange={(event) => applyTheme(event.target.value)}>
        {Object.keys(themes).map((theme) => <option key={theme}>{theme}</option>)}
      </select>
      <button type="button" onClick={() => void out()}>Sign out {name}</button>
    </header>
  );
}

function Team({ path }: { path: string }) {
  const channels = useSelector((s) => s.entities.channels.channels);
  const channel = channelOf(path) ?? Object.values(channels).find((c) => c.name === 'town-square');
  const [root, setRoot] = React.useState('');
  React.useEffect(() => {
    if (channel) {
      store.dispatch({ type: 'SELECT_CHANNEL', channelID: channel.id });
      setRoot('');
      void loadPosts(channel.id);
    }
  }, [channel?.id]);
  React.useEffect(() => {
    // As in the web app, which thereby forgets what stood behind the first address.
    if (channel && path !== pathTo(channel, store.getState())) {
      correct(pathTo(channel, store.getState()));
    }
  }, [path, channel?.id]);
  if (!channel) {
    return <main className="product"><p>There is no such channel.</p></main>;
  }
  return (
    <div className="team">
      <Sidebar current={channel.id} />
      <main className="center a11y__region" data-a11y-sort-order="1" tabIndex={-1} id="channel_view">
        <ChannelHeader channel={channel} />
        {useRegistered('ChannelToast').map(({ id, component: Component }) => Component && <Component key={id} />)}
        <Posts channelID={channel.id} root="" onThread={setRoot} />
        {channel.delete_at > 0 ? <p className="note">This channel is archived.</p> : <Composer channel={channel} root="" />}
        <Globals name="Root" />
      </main>
      {root !== '' && (
        <aside className="thread" aria-label="Thread">
          <h2>Thread <button type="button" onClick={() => setRoot('')}>Close</button></h2>
          <Posts channelID={channel.id} root={root} onThread={setRoot} />
          <Composer channel={channel} root={root} />
        </aside>
      )}
    </div>
  );
}

function Sidebar({ current }: { current: string }) {
  const state = useSelector((s) => s);
  const labels = useRegistered('SidebarChannelLinkLabel');
  const channels = Object.values(state.entities.channels.channels).sort((a, b) => Number(a.type === 'D') - Number(b.type === 'D') || titleOf(a, state).localeCompare(titleOf(b, state)));
  return (
    <nav className="sidebar a11y__region" data-a11y-sort-order="6" tabIndex={-1} aria-label="Channels">
      <h1>{Object.values(state.entities.teams.teams)[0]?.display_name}</h1>
      <ul>
        {channels.map((channel) => (
          <li key={channel.id}>
            <a id={`sidebarItem_${channel.name}`} aria-current={channel.id === current ? 'page' : undefined} data-channel={channel.id} href={pathTo(channel, state)} onClick={(event) => { event.preventDefault(); go(pathTo(channel, state)); }}>
              <span className="name">{titleOf(channel, state)}</span>
              {labels.map(({ id, component: Component }) => Component && <Component key={id} channel={channel} />)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function ChannelHeader({ channel }: { channel: Channel }) {
  const state = useSelector((s) => s);
  const [open, setOpen] = React.useState(false);
  const entries = useRegistered('ChannelHeader').filter((e) => e.shouldRender?.(state));
  return (
    <header className="channel-header">
      <div className="menu">
        <button type="button" id="channelHeaderDropdownButton" aria-expanded={open} onClick={() => setOpen(!open)}><strong>{titleOf(channel, state)}</strong> ▾</button>
        {open && (
          <ul>
            {entries.map((e) => <li key={e.id}><button type="button" onClick={() => { setOpen(false); run(e, channel.id); }}>{e.text}</button></li>)}
            {entries.length === 0 && <li className="note">Nothing to choose.</li>}
          </ul>
        )}
      </div>
      <span className="grow" />
      {useRegistered('ChannelHeaderButton').map((e) => <button type="button" key={e.id} aria-label={String(e.tooltipText)} onClick={() => run(e, channel, state.entities.channels.myMembers[channel.id])}>{e.icon}</button>)}
      <CallButtons channel={channel} />
    </header>
  );
}

/** One button stands by itself; of several a menu is made. */
function CallButtons({ channel }: { channel: Channel }) {
  const buttons = useRegistered('CallButton');
  const member = useSelector((s) => s.entities.channels.myMembers[channel.id]);
  const [only] = buttons;
  if (only && buttons.length === 1) {
    // biome-ignore lint: the host listens around the plugin's own button, as the web app does.
    return <div className="call-button" onClick={() => run(only, channel, member)} onTouchEnd={(event) => { event.preventDefault(); run(only, channel, member); }}>{only.button}</div>;
  }
  return <>{buttons.map((e) => <button type="button" key={e.id} onClick={() => run(e, channel, member)}>{e.dropdownButton}</button>)}</>;
}

function run(entry: Registered, ...args: unknown[]): void {
  (entry.action as ((...args: unknown[]) => void) | undefined)?.(...args);
}
