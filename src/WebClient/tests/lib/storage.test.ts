import { afterEach, expect, it, vi } from 'vitest';
import { browserStorage } from '../../src/lib/storage';

afterEach(() => vi.unstubAllGlobals());

it('P19: what is kept is there, by its name, until it is deleted', () => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    get length() {
      return kept.size;
    },
    key: (index: number) => [...kept.keys()][index] ?? null,
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  expect(browserStorage.write('a', '1')).toBe(true);
  expect([browserStorage.read('a'), browserStorage.names()]).toEqual(['1', ['a']]);
  expect(browserStorage.write('a', null)).toBe(true);
  expect([browserStorage.read('a'), browserStorage.names()]).toEqual([null, []]);
});

it('P19: a browser that keeps nothing is no reason to fail, and says so', () => {
  vi.stubGlobal('localStorage', undefined);
  expect([browserStorage.read('a'), browserStorage.write('a', '1'), browserStorage.names()]).toEqual([null, false, []]);
  const full = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: full });
  expect(browserStorage.write('a', '1')).toBe(false);
});
