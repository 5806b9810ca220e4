/** Milliseconds to wait before the next attempt: doubling from 0.5 s to 15 s, with jitter so that a restart is not met by everybody at once. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(full / 2 + (full / 2) * random());
}
