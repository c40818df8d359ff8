/** Posts of a channel or of a thread, with the components that plugins have for types of their own, and the field to write in. */
import { loadPosts, receive, request } from './client';
import { go } from './navigation';
import { store, useRegistered, useSelector } from './store';
import type { Channel, Post } from './types';

export function Posts({ channelID, root, onThread }: { channelID: string; root: string; onThread: (id: string) => void }) {
  const all = useSelector((s) => s.entities.posts.posts);
  const end = React.useRef<HTMLDivElement>(null);
  const ofChannel = Object.values(all).filter((p) => p.channel_id === channelID);
  const shown = ofChannel.filter((p) => (root === '' ? p.root_id === '' : p.id === root || p.root_id === root)).sort((a, b) => a.create_at - b.create_at);
  React.useEffect(() => {
    end.current?.scrollIntoView({ block: 'end' });
  }, [shown.length]);
  return (
    <div className="posts" role="log" aria-label={root === '' ? 'Posts' : 'Replies'} tabIndex={0}>
      {shown.map((post) => (
        <OnePost key={post.id} post={post} inThread={root !== ''} replies={root === '' ? ofChannel.filter((p) => p.root_id === post.id).length : 0} onThread={onThread} />
      ))}
      <div ref={end} />
    </div>
  );
}

function OnePost({ post, replies, inThread, onThread }: { post: Post; replies: number; inThread: boolean; onThread: (id: string) => void }) {
  const name = useSelector((s) => s.entities.users.profiles[post.user_id]?.username ?? '');
  const Custom = useRegistered('PostType').find((r) => r.type === post.type)?.component;
  return (
    <article className="post" id={`post_${post.id}`} data-testid="post">
      <header><strong>{name}</strong> <time>{new Date(post.create_at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}</time></header>
      {Custom ? <Custom post={post} theme={{}} compactDisplay={false} isRHS={inThread} /> : <p><Text>{post.message}</Text></p>}
      {post.root_id === '' && (
        <button type="button" className="reply" onClick={() => onThread(post.id)}>{replies > 0 ? `${replies} replies` : 'Reply'}</button>
      )}
    </article>
  );
}

/** Addresses in a text can be clicked; one of this site is gone to without a new page. */
function Text({ children }: { children: string }) {
  const follow = (event: React.MouseEvent<HTMLAnchorElement>) => {
    event.preventDefault();
    const { pathname, search } = event.currentTarget;
    go(pathname + search);
  };
  return (
    <>
      {children.split(/(https?:\/\/[^\s`]+)/).map((part, i) => {
        if (i % 2 === 0) {
          return part;
        }
        return part.startsWith(`${location.origin}/`) ? <a key={i} href={part} onClick={follow}>{part}</a> : <a key={i} href={part} target="_blank" rel="noreferrer">{part}</a>;
      })}
    </>
  );
}

export function Composer({ channel, root }: { channel: Channel; root: string }) {
  const [text, setText] = React.useState('');
  const [problem, setProblem] = React.useState('');
  const send = async () => {
    const message = text.trim();
    if (message === '') {
      return;
    }
    setText('');
    try {
      setProblem(await (message.startsWith('/') ? command(message, channel, root) : post(message, channel, root)));
    } catch (error) {
      setText(message);
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="composer">
      {problem && <p role="alert" data-testid="composer-problem">{problem}</p>}
      <textarea
        id={root === '' ? 'post_textbox' : 'reply_textbox'} aria-label={root === '' ? `Write to ${channel.display_name || 'this person'}` : 'Reply to this thread'} rows={2} value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            void send();
          }
        }}
      />
    </div>
  );
}

async function post(message: string, channel: Channel, root: string): Promise<string> {
  await receive([await request<Post>('POST', '/posts', { channel_id: channel.id, root_id: root, message })]);
  return '';
}

/** Asks the plugins' hooks one after another, then the server; gives back what is to be shown as a problem. */
async function command(first: string, channel: Channel, root: string): Promise<string> {
  let message = first;
  let args: object = { channel_id: channel.id, team_id: channel.team_id || store.getState().entities.teams.currentTeamId, root_id: root };
  for (const { hook } of store.getState().plugins.components.SlashCommandWillBePosted ?? []) {
    const result = (await hook?.(message, args)) as { message?: string; args?: object; error?: { message: string } } | undefined;
    if (!result) {
      continue; // it has nothing to say to this command
    }
    if (result.error) {
      return result.error.message;
    }
    if (!result.message || !result.args) {
      return ''; // the plugin has done what was to be done
    }
    ({ message, args } = result as { message: string; args: object });
  }
  await request('POST', '/commands/execute', { ...args, command: message });
  await loadPosts(channel.id);
  return '';
}
