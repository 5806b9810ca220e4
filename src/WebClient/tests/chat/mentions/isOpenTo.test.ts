import { afterEach, expect, it, vi } from 'vitest';
import { isOpenTo } from '../../../src/chat/mentions/isOpenTo';

afterEach(() => vi.unstubAllGlobals());

it.each([
  ['public', { visibility: 'public', member: false }, true],
  ['private, and the reader is in it', { visibility: 'private', member: true }, true],
  ['private, and described to an administrator who is not in it', { visibility: 'private', member: false, mine: true }, false],
])('a report is shown in its room where that is %s: %o', async (_, room, isOpen) => {
  vi.stubGlobal('fetch', async () => Response.json({ id: 'pub', ...room }));
  expect(await isOpenTo('pub')).toBe(isOpen);
});

it('a report of a room that cannot be read is shown elsewhere', async () => {
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 404 }));
  expect(await isOpenTo('pub')).toBe(false);
});
