/** Why something failed, for programs; the page has a sentence for each. */
export type ErrorCode =
  | 'not_signed_in'
  | 'wrong_login'
  | 'mfa_needed'
  | 'forbidden'
  | 'not_found'
  | 'no_channel'
  | 'busy'
  | 'server'
  | 'network'
  | 'socket_failed'
  | 'connect_timeout'
  | 'refused'
  | 'screen_refused'
  | 'no_microphone'
  | 'screen_cancelled'
  | 'protocol';

/**
 * CallsError is the only error the engine raises on purpose. `detail` is what the server or the browser said, for people who ask for more;
 * `serverCode` is the stable code that came with a refusal.
 */
export class CallsError extends Error {
  override readonly name = 'CallsError';

  constructor(
    readonly code: ErrorCode,
    readonly detail = '',
    readonly serverCode = '',
  ) {
    super(detail ? `${code}: ${detail}` : code);
  }
}

export function asCallsError(error: unknown, code: ErrorCode): CallsError {
  return error instanceof CallsError ? error : new CallsError(code, error instanceof Error ? error.message : String(error));
}

/** Why a call ended for us. The first ones are the server's words (protocol: reason), the rest happen on our side. */
export type EndReason =
  | 'left'
  | 'kicked'
  | 'ice_failed'
  | 'replaced'
  | 'crashed'
  | 'call_ended'
  | 'shutdown'
  | 'removed_from_channel'
  | 'session_revoked'
  | 'rate_limited'
  | 'socket_lost'
  | 'connection_closed'
  | 'failed';

const endReasons: ReadonlySet<string> = new Set<EndReason>([
  'left', 'kicked', 'ice_failed', 'replaced', 'crashed', 'call_ended', 'shutdown', 'removed_from_channel', 'session_revoked', 'rate_limited', 'socket_lost',
]);

export function isEndReason(text: unknown): text is EndReason {
  return typeof text === 'string' && endReasons.has(text);
}
