/** What comes before the call: signing in, the lobby, and the page that cannot go on. */
import { useState } from 'preact/hooks';

import { listNames, t } from '../i18n';
import { Check } from '../ui/check';
import { PhoneIcon } from '../ui/icons';
import { errorSentence } from './sentences';
import type { PageStore } from './store';
import type { View } from './view';

interface Props {
  store: PageStore;
  view: View;
}

export function Login({ store, view }: Props) {
  const [askToken, setAskToken] = useState(false);
  const needsToken = askToken || view.error?.code === 'mfa_needed';
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string) => String(form.get(name) ?? '');
    setAskToken(needsToken);
    void store.login(field('login').trim(), field('password'), field('token').trim());
  };
  return (
    <main class="cl-card-page">
      <form class="cl-card" onSubmit={submit} aria-labelledby="card-title">
        <h1 id="card-title">{t('login.title')}</h1>
        <Problem store={store} view={view} />
        <label>
          {t('login.id')}
          <input name="login" autocomplete="username" required data-testid="login-id" />
        </label>
        <label>
          {t('login.password')}
          <input name="password" type="password" autocomplete="current-password" required data-testid="login-password" />
        </label>
        {needsToken && (
          <label>
            {t('login.token')}
            <input name="token" inputMode="numeric" autocomplete="one-time-code" required />
          </label>
        )}
        <div class="cl-buttons">
          <button type="submit" class="cl-primary" disabled={view.busy} data-testid="login-submit">
            {view.busy ? t('login.busy') : t('login.submit')}
          </button>
        </div>
      </form>
    </main>
  );
}

export function Lobby({ store, view }: Props) {
  const [checking, setChecking] = useState(false);
  const people = view.waiting?.participants ?? [];
  const names = listNames([...new Set(people.map((p) => p.userID))].map(store.nameOf));
  return (
    <main class="cl-card-page">
      <section class="cl-card" aria-labelledby="card-title">
        <h1 id="card-title">{lobbyTitle(view)}</h1>
        <p data-testid="lobby-people">{people.length > 0 ? t('lobby.people', { count: people.length, names }) : t('lobby.empty')}</p>
        {view.elsewhere && <p data-testid="lobby-move">{t('move.lobby')}{view.elsewhere.sharing && ` ${t('move.sharing')}`}</p>}
        <p class="cl-note">{t('lobby.hint')}</p>
        {!view.settings.checked && <p class="cl-note" data-testid="check-first">{t('check.first')}</p>}
        {checking ? <Check store={store} view={view} /> : (
          <button type="button" class="cl-quiet cl-start" data-testid="check-open" onClick={() => setChecking(true)}>{t('check.open')}</button>
        )}
        <div class="cl-buttons">
          <button type="button" class="cl-quiet" disabled={view.busy} onClick={() => void store.enter(true)} data-testid="calls-listen-button">
            {t('lobby.listen')}
          </button>
          <button type="button" class="cl-primary" id="calls-join-button" data-testid="calls-join-button" disabled={view.busy} onClick={() => void store.enter(false)}>
            <PhoneIcon />
            {t(view.elsewhere ? 'move.go' : 'lobby.join')}
          </button>
        </div>
        {view.me && <p class="cl-note">{t('lobby.signed', { name: view.me.name })}</p>}
      </section>
    </main>
  );
}

function lobbyTitle(view: View): string {
  if (view.title === '') {
    return t('lobby.title.unnamed');
  }
  return t(view.waiting ? 'lobby.title' : 'lobby.title.start', { channel: view.title });
}

export function Broken({ store, view }: Props) {
  return (
    <main class="cl-card-page">
      <section class="cl-card">
        <Problem store={store} view={view} />
        {view.error?.code !== 'no_channel' && (
          <div class="cl-buttons">
            <button type="button" class="cl-primary" onClick={() => void store.load()}>
              {t('ended.reload')}
            </button>
          </div>
        )}
      </section>
    </main>
  );
}

function Problem({ store, view }: Props) {
  return view.error ? <p class="cl-problem" role="alert" data-testid="problem">{errorSentence(view.error, store.nameOf)}</p> : null;
}
