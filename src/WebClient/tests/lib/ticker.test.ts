import { afterEach, expect, it, vi } from 'vitest';

vi.mock('../../src/lib/ticker.worker?worker&url', () => ({ default: '/ticker.js' }));

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

class FakeWorker extends EventTarget {
  static readonly made: FakeWorker[] = [];
  readonly posted: unknown[] = [];
  terminated = false;
  constructor() {
    super();
    FakeWorker.made.push(this);
  }
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  terminate(): void {
    this.terminated = true;
  }
}

it('P17: what ticks goes on without the worker whose file did not come', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('Worker', FakeWorker);
  const { ticker } = await import('../../src/lib/ticker');
  const [pulse, keepAlive] = [vi.fn(), vi.fn()];
  const id = ticker.set(pulse, 5_000);
  const worker = FakeWorker.made[0]!;
  worker.dispatchEvent(new MessageEvent('message', { data: id }));
  expect([pulse.mock.calls.length, worker.posted]).toEqual([1, [{ id, every: 5_000 }]]);

  worker.dispatchEvent(new Event('error'));
  const second = ticker.set(keepAlive, 10_000);
  vi.advanceTimersByTime(10_000);
  expect([pulse.mock.calls.length, keepAlive.mock.calls.length, worker.terminated]).toEqual([3, 1, true]);
  ticker.clear(id);
  ticker.clear(second);
  vi.advanceTimersByTime(60_000);
  expect([pulse.mock.calls.length, keepAlive.mock.calls.length, FakeWorker.made.length]).toEqual([3, 1, 1]);
});
