import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => vi.unstubAllGlobals());

it('keeps what a page left once, however often the page was left, and its newest', async () => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) });
  vi.resetModules();
  const { LeftOver } = await import('../../src/store/leftOver');
  const left = new LeftOver<{ account: string; id: string; at: number }>('test', ({ id }) => id);
  left.add([{ account: 'ana', id: 'a', at: 1 }, { account: 'ana', id: 'b', at: 1 }]);
  left.add([{ account: 'ana', id: 'a', at: 2 }]);
  left.add([]);
  expect(left.read()).toEqual([{ account: 'ana', id: 'a', at: 2 }, { account: 'ana', id: 'b', at: 1 }]);
  left.keepOnly(({ id }) => id === 'b');
  expect(left.read()).toHaveLength(1);
});
