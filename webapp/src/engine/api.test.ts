import { describe, expect, it } from 'vitest';

import { Api } from './api';

interface Sent {
  url: string;
  init: RequestInit;
}

/** An Api whose server answers with what stands in `answers`, and the list of what it was asked. */
function apiWith(answers: Record<string, { status?: number; body: unknown }>, cookies = '') {
  const sent: Sent[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    sent.push({ url: String(url), init });
    const answer = answers[String(url)];
    if (!answer) {
      throw new TypeError('Failed to fetch');
    }
    return new Response(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body), { status: answer.status ?? 200 });
  };
  return { api: new Api(fetch as typeof globalThis.fetch, 'http://site/mm', () => cookies), sent };
}

const headersOf = (s: Sent | undefined) => s?.init.headers as Record<string, string>;

describe('requests', () => {
  it('carry what the host asks of a cookie session', async () => {
    const { api, sent } = apiWith({ 'http://site/mm/api/v4/users/ids': { body: [] } }, 'MMUSERID=u; MMCSRF=secret; other=1');
    await api.users(['u1']);
    expect(headersOf(sent[0])).toMatchObject({ 'X-Requested-With': 'XMLHttpRequest', 'X-CSRF-Token': 'secret' });
    expect(sent[0]?.init).toMatchObject({ method: 'POST', credentials: 'same-origin', body: '["u1"]' });
  });

  it('send no token with a GET, which needs none', async () => {
    const { api, sent } = apiWith({ 'http://site/mm/api/v4/users/me': { body: { id: 'u1', username: 'ana' } } }, 'MMCSRF=secret');
    await api.me();
    expect(headersOf(sent[0])).not.toHaveProperty('X-CSRF-Token');
  });

  it('asks nothing when there is nobody to ask for', async () => {
    const { api, sent } = apiWith({});
    expect(await api.users([])).toEqual([]);
    expect(sent).toEqual([]);
  });
});

describe('problems of the settings', () => {
  const url = 'http://site/mm/plugins/com.mattermost.calls/admin/settings';

  it('are read whatever is missing', async () => {
    const problems = [{ setting: 'UDPServerPort', value: '70', problem: 'must be between 80 and 49151', wrong: true }, { setting: 'EnableIPv6', problem: 'has no effect' }, 7];
    expect(await apiWith({ [url]: { body: { problems } } }).api.problems()).toEqual([problems[0], { setting: 'EnableIPv6', value: '', problem: 'has no effect', wrong: false }]);
    expect(await apiWith({ [url]: { body: {} } }).api.problems()).toEqual([]);
  });

  it('are for admins', async () => {
    await expect(apiWith({ [url]: { status: 403, body: {} } }).api.problems()).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('failures', () => {
  const me = 'http://site/mm/api/v4/users/me';
  const login = 'http://site/mm/api/v4/users/login';

  it.each([
    [401, 'not_signed_in'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [429, 'busy'],
    [500, 'server'],
  ])('HTTP %d is %s', async (status, code) => {
    await expect(apiWith({ [me]: { status, body: 'x' } }).api.me()).rejects.toMatchObject({ name: 'CallsError', code });
  });

  it.each([
    [401, '{"id":"api.user.login.invalid_credentials_email_username"}', 'wrong_login'],
    [401, '{"id":"mfa.validate_token.authenticate.app_error"}', 'mfa_needed'],
    [500, '', 'server'],
  ])('a login with %d %s is %s', async (status, body, code) => {
    await expect(apiWith({ [login]: { status, body } }).api.login('a', 'b')).rejects.toMatchObject({ code });
  });

  it('knows a dead network, and answers that are no answers', async () => {
    await expect(apiWith({}).api.me()).rejects.toMatchObject({ code: 'network' });
    await expect(apiWith({ [me]: { body: '<html>' } }).api.me()).rejects.toMatchObject({ code: 'protocol' });
    await expect(apiWith({ [me]: { body: [] } }).api.me()).rejects.toMatchObject({ code: 'protocol' });
  });
});

describe('answers', () => {
  it.each([
    [{ id: 'u', username: 'ana', first_name: 'Ana', last_name: 'Sol', nickname: 'Annie' }, 'Annie'],
    [{ id: 'u', username: 'ana', first_name: 'Ana', last_name: 'Sol', nickname: '' }, 'Ana Sol'],
    [{ id: 'u', username: 'ana', first_name: '', last_name: '' }, 'ana'],
  ])('a user %j is called %s', async (body, name) => {
    const { api } = apiWith({ 'http://site/mm/api/v4/users/me': { body } });
    expect((await api.me()).name).toBe(name);
  });

  it('a direct channel has partners instead of a name', async () => {
    const { api } = apiWith({ 'http://site/mm/api/v4/channels/c': { body: { id: 'c', type: 'D', display_name: '', name: 'u1__u2' } } });
    expect(await api.channel('c')).toEqual({ id: 'c', type: 'D', name: '', teamID: '', partners: ['u1', 'u2'] });
  });

  const config = 'http://site/mm/plugins/com.mattermost.calls/config';
  const turn = 'http://site/mm/plugins/com.mattermost.calls/turn-credentials';
  const stun = { urls: ['stun:s'] };
  const relay = { urls: ['turn:t'], username: 'u', credential: 'c' };

  it.each([
    ['none', { ICEServersConfigs: null }, undefined, []],
    ['plain ones', { ICEServersConfigs: [stun, { urls: 5 }, 'x'] }, undefined, [stun]],
    ['with credentials', { ICEServersConfigs: [stun], NeedsTURNCredentials: true }, { body: [relay] }, [stun, relay]],
    ['without credentials, when they cannot be had', { ICEServersConfigs: [stun], NeedsTURNCredentials: true }, { status: 403, body: '' }, [stun]],
  ])('ICE servers: %s', async (_, body, credentials, servers) => {
    const { api } = apiWith({ [config]: { body }, ...(credentials ? { [turn]: credentials } : {}) });
    expect(await api.iceServers()).toEqual(servers);
  });
});
