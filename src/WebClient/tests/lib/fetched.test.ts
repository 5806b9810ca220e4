import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Fetched } from '../../src/lib/fetched.svelte';
import type { Answer } from '../../src/lib/http';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const failed = (retryAfter: number | null = null): Answer<string> => ({ ok: false, problem: { status: 503, code: null, message: '', fields: {}, retryAfter } });

it('B4: what the server does not give is asked for again by itself, and at once by the button', async () => {
  const answers: Answer<string>[] = [failed(), failed(), { ok: true, value: 'tokens' }];
  const ask = vi.fn(async () => answers[ask.mock.calls.length - 1]!);
  // The longest pauses of the jitter: half a second, then one.
  vi.spyOn(Math, 'random').mockReturnValue(1);
  const fetched = new Fetched(ask);
  await fetched.read();
  expect([fetched.value, fetched.problem?.status]).toEqual([null, 503]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ask).toHaveBeenCalledTimes(2);
  await fetched.read();
  expect([fetched.value, fetched.problem]).toEqual(['tokens', null]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(3);
});

it('B4: it waits as long as the server wants, and asks no more when nobody looks', async () => {
  const ask = vi.fn(async () => failed(30));
  const fetched = new Fetched(ask);
  await fetched.read();
  await vi.advanceTimersByTimeAsync(29_000);
  expect(ask).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ask).toHaveBeenCalledTimes(2);
  fetched.stop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(ask).toHaveBeenCalledTimes(2);
});

it('shows what was asked for last, in whatever order answers come', async () => {
  const waiting: ((answer: Answer<string>) => void)[] = [];
  const fetched = new Fetched(() => new Promise<Answer<string>>((resolve) => waiting.push(resolve)));
  const reading = [fetched.read(), fetched.read()];
  waiting[1]!({ ok: true, value: 'second' });
  await reading[1];
  waiting[0]!({ ok: true, value: 'first' });
  await reading[0];
  expect(fetched.value).toBe('second');
});
