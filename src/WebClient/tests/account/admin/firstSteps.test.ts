import { expect, it, vi } from 'vitest';

const kept = vi.hoisted(() => new Map<string, string>());
vi.hoisted(() => Object.defineProperty(globalThis, 'localStorage', { value: { getItem: (name: string) => kept.get(name) ?? null, setItem: (name: string, value: string) => kept.set(name, value), removeItem: (name: string) => kept.delete(name) }, configurable: true }));

import { FirstSteps } from '../../../src/account/admin/firstSteps.svelte';

it('the card is there for the first administrator of a new server until it is put away, and again when it is asked for', () => {
  kept.clear();
  expect([new FirstSteps().isShown(1, 1), new FirstSteps().isShown(2, 2), new FirstSteps().isShown(1, 200)]).toEqual([true, false, false]);
  const steps = new FirstSteps();
  steps.putAway();
  expect([steps.isShown(1, 1), new FirstSteps().isShown(1, 1)]).toEqual([false, false]);
  steps.open();
  expect(steps.isShown(1, 200)).toBe(true);
});
