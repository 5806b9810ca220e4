import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Retry, type Tried } from '../../src/lib/retry.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const seconds = (failures: number) => 1_000 * 2 ** failures;

describe('Retry', () => {
  it('B4: a step that comes through is run once', async () => {
    const step = vi.fn(async (): Promise<Tried> => 'done');
    const retry = new Retry(seconds);
    await retry.run(step);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(step).toHaveBeenCalledTimes(1);
    expect([retry.failures, retry.trying]).toEqual([0, false]);
  });

  it('B4: a step that fails, or throws, is tried again after a growing pause until it comes through', async () => {
    const outcomes: (() => Promise<Tried>)[] = [async () => 'again', () => Promise.reject(new Error('no network')), async () => 'done'];
    const step = vi.fn(() => outcomes[step.mock.calls.length - 1]!());
    const retry = new Retry(seconds);
    await retry.run(step);
    expect([step.mock.calls.length, retry.failures]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(999);
    expect(step).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect([step.mock.calls.length, retry.failures]).toEqual([2, 2]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([step.mock.calls.length, retry.failures]).toEqual([3, 0]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(step).toHaveBeenCalledTimes(3);
  });

  it('B4: the button does not wait for the pause, and does nothing while an attempt is under way', async () => {
    let answer!: (tried: Tried) => void;
    const step = vi.fn(() => new Promise<Tried>((resolve) => (answer = resolve)));
    const retry = new Retry(seconds);
    void retry.run(step);
    retry.retryNow();
    expect(step).toHaveBeenCalledTimes(1);
    answer('again');
    await vi.advanceTimersByTimeAsync(0);
    retry.retryNow();
    expect([step.mock.calls.length, retry.trying]).toEqual([2, true]);
  });

  it('B4: another step takes the place of the one before, whose late answer counts for nothing', async () => {
    let late!: (tried: Tried) => void;
    const retry = new Retry(seconds);
    void retry.run(() => new Promise<Tried>((resolve) => (late = resolve)));
    await retry.run(async () => 'done');
    late('again');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(retry.failures).toBe(0);
  });

  it('B4: nothing is tried any more once it was stopped', async () => {
    const step = vi.fn(async (): Promise<Tried> => 'again');
    const retry = new Retry(seconds);
    await retry.run(step);
    retry.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(step).toHaveBeenCalledTimes(1);
  });
});
