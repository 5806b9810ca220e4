import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Part } from '../../src/lib/part.svelte';
import { update } from '../../src/lib/update.svelte';

const own = './assets/index-today.js';
let newest = own;

beforeEach(() => {
  newest = own;
  vi.useFakeTimers();
  vi.stubEnv('PROD', true);
  vi.stubGlobal('document', { baseURI: 'https://chat.example.org/', querySelector: () => ({ getAttribute: () => own }) });
  vi.stubGlobal('location', new URL('https://chat.example.org/'));
  vi.stubGlobal('fetch', async () => new Response(`<script type="module" src="${newest}"></script>`));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

/** Fails so many times. */
function failing(times: number): Part<string> {
  return new Part(async () => {
    if (times-- > 0) throw new TypeError('Failed to fetch');
    return 'chat';
  });
}

it('P19: a part that comes with the second try is no new version of the page', async () => {
  const part = failing(1);
  part.want();
  await vi.advanceTimersByTimeAsync(0);
  expect([part.failed, update.ready]).toEqual([true, false]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([part.loaded, update.ready]).toEqual(['chat', false]);
});

it('P19: a part that does not come twice has a new page offered, until it comes after all', async () => {
  const part = failing(2);
  part.want();
  await vi.advanceTimersByTimeAsync(500);
  expect([part.failed, update.ready]).toEqual([true, true]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([part.loaded, update.ready]).toEqual(['chat', false]);
});

it('P19: when a part does not come of which the server has another version, the new page is offered at once and stays so', async () => {
  newest = './assets/index-tomorrow.js';
  const part = failing(1);
  part.want();
  await vi.advanceTimersByTimeAsync(0);
  expect(update.ready).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([part.loaded, update.ready]).toEqual(['chat', true]);
});
