import { afterEach, beforeEach, expect, it, vi } from 'vitest';

// The file of the link is on its way for ever.
vi.mock('../../../src/chat/link/link', () => new Promise(() => undefined));
vi.mock('../../../src/store/store', () => ({ forget: async () => undefined }));

import { Connection } from '../../../src/chat/link/connection.svelte';
import { update } from '../../../src/lib/update.svelte';
import { partWithin } from '../../../src/lib/within';
import { session } from '../../../src/session/session.svelte';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('navigator', { onLine: true });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('P18: a link whose file hangs is given up after a while: it is said, looked for a newer page, and tried again', async () => {
  const missed = vi.spyOn(update, 'missed').mockImplementation(async () => undefined);
  const check = vi.spyOn(session, 'check').mockImplementation(async () => 'in');
  const closed = vi.fn();
  const connection = new Connection({ opened: () => undefined, message: () => undefined, closed });
  connection.start();
  await vi.advanceTimersByTimeAsync(partWithin - 1);
  expect([connection.status, missed.mock.calls.length]).toEqual(['connecting', 0]);
  await vi.advanceTimersByTimeAsync(1);
  expect([connection.status, missed.mock.calls.length, closed.mock.calls.length, check.mock.calls.length]).toEqual(['reconnecting', 1, 1, 1]);
  await vi.advanceTimersByTimeAsync(1_000 + partWithin);
  expect(missed).toHaveBeenCalledTimes(2);
  connection.stop();
});
