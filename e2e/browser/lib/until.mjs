// Waiting for something to become true, with the last reason why it was not.

/**
 * Calls `probe` until it returns something true, and returns that. When time is up it fails with `what` and what the probe said last.
 * A probe says why not by returning a string that begins with "not:".
 */
export async function until(what, probe, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const last = await probe();
    if (last && !(typeof last === 'string' && last.startsWith('not:'))) {
      return last;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not after ${ms / 1000} s; last seen: ${typeof last === 'string' ? last.slice(4).trim() : JSON.stringify(last)}`);
    }
    await pause(100);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
