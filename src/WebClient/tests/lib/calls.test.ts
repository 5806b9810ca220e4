import { afterEach, expect, it } from 'vitest';
import { isQuietAt, quietFrom, quietUntil } from '../../src/lib/calls.svelte';

const at = (hour: number) => new Date(2026, 10, 29, hour, 30);
const quietHours = () => Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => isQuietAt(at(hour)));

afterEach(() => {
  quietFrom.take(null);
  quietUntil.take(null);
});

it('has no quiet hours unless somebody wants them', () => {
  expect(quietHours()).toEqual([]);
});

it('is quiet over midnight, and by day', () => {
  quietFrom.take('22');
  expect(quietHours()).toEqual([0, 1, 2, 3, 4, 5, 6, 22, 23]);
  quietFrom.take('9');
  quietUntil.take('11');
  expect(quietHours()).toEqual([9, 10]);
  quietUntil.take('9');
  expect(quietHours()).toEqual([]);
});
