import { expect, it } from 'vitest';
import { UnderWay } from '../../src/lib/underWay.svelte';

it('something is under way until the last of its steps has ended, each once', () => {
  const steps = new UnderWay();
  const [first, second] = [steps.begin(), steps.begin()];
  expect(steps.end(first)).toBe(false);
  expect([steps.any, steps.end(first), steps.any]).toEqual([true, false, true]);
  expect([steps.end(second), steps.any]).toEqual([true, false]);
});

it('a step that was forgotten does not end the next', () => {
  const steps = new UnderWay();
  const overtaken = steps.begin();
  steps.forget();
  expect(steps.any).toBe(false);
  const next = steps.begin();
  expect([steps.end(overtaken), steps.any]).toEqual([false, true]);
  expect(steps.end(next)).toBe(true);
});
