import { expect, it } from 'vitest';
import { backoff } from '../../src/lib/backoff';

it('doubles to a limit and spreads by half', () => {
  expect([0, 1, 2, 3].map((attempt) => backoff(attempt, () => 1))).toEqual([500, 1000, 2000, 4000]);
  expect(backoff(50, () => 1)).toBe(15_000);
  expect(backoff(50, () => 0)).toBe(7_500);
});
