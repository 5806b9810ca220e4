import { afterEach, expect, it, vi } from 'vitest';
import { readRoom, type Room } from '../../../src/chat/model/protocol';
import { Levels } from '../../../src/chat/rooms/levels.svelte';

const rooms: Room[] = [readRoom({ id: 'lobby', member: true, notify: 'all' })!, readRoom({ id: 'garden', member: true, notify: 'nothing' })!];

afterEach(() => vi.unstubAllGlobals());

it('is as the list says until another is chosen, which holds at once', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => (asked.push(`${path} ${String(init.body)}`), new Response(null, { status: 204 })));
  const levels = new Levels(() => rooms);
  expect([levels.of('lobby'), levels.of('garden'), levels.of('unknown'), levels.isMuted('garden')]).toEqual(['all', 'nothing', 'all', true]);
  const setting = levels.set('garden', 'mentions');
  expect(levels.isMuted('garden')).toBe(false);
  await setting;
  expect(asked).toEqual(['/api/rooms/garden/notify {"level":"mentions"}']);
});

it('goes back to what it was where the server refuses', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ code: 'no_such_room' }, { status: 404 }));
  const levels = new Levels(() => rooms);
  await levels.set('lobby', 'nothing');
  expect(levels.of('lobby')).toBe('all');
});
