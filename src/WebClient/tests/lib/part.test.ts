import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Part } from '../../src/lib/part.svelte';
import { update } from '../../src/lib/update.svelte';
import { partWithin } from '../../src/lib/within';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  update.ready = false;
});

it('P18: a part that comes is there', async () => {
  const part = new Part(async () => 'chat');
  part.want();
  await vi.advanceTimersByTimeAsync(0);
  expect([part.loaded, part.failed, part.retry.trying]).toEqual(['chat', false, false]);
});

it('P18: a part that hangs has failed after a while: it is tried again, and a page that shows nothing yet is loaded anew', async () => {
  vi.spyOn(update, 'missed').mockImplementation(async () => void (update.ready = true));
  const reloaded = vi.spyOn(update, 'reloadOnce').mockImplementation(() => undefined);
  const part = new Part(() => new Promise(() => undefined), { reloads: true });
  part.want();
  await vi.advanceTimersByTimeAsync(partWithin - 1);
  expect([part.failed, part.retry.trying]).toEqual([false, true]);
  await vi.advanceTimersByTimeAsync(1);
  expect([part.failed, part.retry.trying, reloaded.mock.calls.length]).toEqual([true, false, 1]);
  part.retry.stop();
});
