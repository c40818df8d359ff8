/** The call's thread beside the call: read and answer. The host's own page of the thread is one click away, and does the rest. */
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Post } from '../engine/api';
import { t, timeOfDay } from '../i18n';
import type { CallStore } from '../page/call_store';
import type { View } from '../page/view';
import { Avatar } from './avatar';
import { Panel } from './dialog';

/** The thread has no event of its own on the call's socket, so it is asked for again while it is open. */
const everyMs = 4000;

export function ThreadPanel({ store, view, onClose }: { store: CallStore; view: View; onClose(): void }) {
  const root = view.call.threadID;
  const [posts, setPosts] = useState<readonly Post[]>([]);
  const [text, setText] = useState('');
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (root === '') {
      return;
    }
    let over = false;
    const ask = async () => {
      try {
        const thread = await store.api.thread(root);
        await store.lookUp(thread.map((p) => p.userID));
        if (!over) {
          setPosts(thread);
        }
      } catch {
        // The next try may do better; what is shown stays.
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), everyMs);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [store, root]);
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'end' });
  }, [posts.length]);
  const send = async (event: Event) => {
    event.preventDefault();
    const message = text.trim();
    if (message === '') {
      return;
    }
    setText('');
    try {
      const post = await store.api.reply(store.channelID, root, message);
      setPosts((now) => [...now.filter((p) => p.id !== post.id), post]);
    } catch (error) {
      setText(message);
      store.fail(error);
    }
  };
  return (
    <Panel id="calls-thread" title={t('thread.title')} onClose={onClose}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div class="cl-posts" role="log" aria-label={t('thread.title')} tabIndex={0}>
        {posts.length === 0 && <p class="cl-note">{t(root === '' ? 'thread.none' : 'thread.empty')}</p>}
        {posts.map((post) => (
          <article key={post.id} class="cl-post">
            <Avatar id={post.userID} name={store.nameOf(post.userID)} />
            <div>
              <strong><bdi>{store.nameOf(post.userID)}</bdi></strong> <time class="cl-note">{timeOfDay(post.createAt)}</time>
              <p dir="auto">{post.message}</p>
            </div>
          </article>
        ))}
        <div ref={end} />
      </div>
      <form class="cl-reply" onSubmit={(event) => void send(event)}>
        <textarea class="cl-input" rows={2} disabled={root === ''} aria-label={t('thread.reply')} placeholder={t('thread.reply')} value={text} onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && !event.shiftKey && !event.isComposing && void send(event)} />
        <button type="submit" class="cl-primary" disabled={text.trim() === ''}>{t('thread.send')}</button>
      </form>
    </Panel>
  );
}
