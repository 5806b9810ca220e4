import { beforeEach, expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', activeElement: null, body: undefined }, configurable: true }));

import { actsOn, RoomActs } from '../../../src/account/admin/roomActs.svelte';
import type { AdminRoom } from '../../../src/account/admin/wire';

const pub: AdminRoom = { room: 'pub', title: 'The Púb', visibility: 'public', entry: 'open', members: 2, present: 0, events: 7, bytes: 900, since: '2026-11-01T00:00:00Z', archived: false, orphaned: false };
const form = { querySelector: () => null } as unknown as HTMLFormElement;
let asked: { method: string; path: string; body: unknown }[];
let members: Response;

beforeEach(() => {
  asked = [];
  members = Response.json({ members: [{ user: 'bea', name: 'Béa', kind: 'person' }, { user: 'dora', name: 'Dora', kind: 'person' }, { user: 'guest-1', name: 'Bea too', kind: 'guest' }] });
  vi.stubGlobal('fetch', async (path: string, { method, body }: RequestInit) => {
    asked.push({ method: method!, path, body: typeof body === 'string' ? JSON.parse(body) : undefined });
    if (method === 'GET') return members;
    return path === '/api/admin/rooms/pub' ? new Response(null, { status: 204 }) : Response.json({ ...pub, title: 'The Pub, as it is now' });
  });
});

it('a room is handed to one of its members, and to nobody while nobody was chosen', async () => {
  const acting = new RoomActs({ ...pub, owner: 'dora' });
  acting.ask('owner');
  expect(await acting.confirm(form)).toBe(false);
  await vi.waitFor(() => expect(acting.found.map(({ user }) => user)).toEqual(['bea']));
  acting.heir = 'bea';
  expect(await acting.confirm(form)).toBe(true);
  expect(asked).toEqual([
    { method: 'GET', path: '/api/rooms/pub/members?limit=200', body: undefined },
    { method: 'PUT', path: '/api/admin/rooms/pub/owner', body: { user: 'bea' } },
  ]);
});

it('who is in a private room does not come: the name is typed', async () => {
  members = new Response('{}', { status: 403 });
  const acting = new RoomActs(pub);
  acting.ask('owner');
  await vi.waitFor(() => expect(acting.members).toBeNull());
  acting.heir = ' bea ';
  expect(await acting.confirm(form)).toBe(true);
  expect(asked.at(-1)?.body).toEqual({ user: 'bea' });
});

it('a room is deleted by typing its name, accents or not', async () => {
  const acting = new RoomActs(pub);
  acting.ask('delete');
  acting.typed = 'the pu';
  expect(await acting.confirm(form)).toBe(false);
  acting.typed = ' the pub';
  expect(await acting.confirm(form)).toBe(true);
  expect(asked).toEqual([{ method: 'DELETE', path: '/api/admin/rooms/pub', body: undefined }]);
  expect(acting.changed).toBeNull();
});

it('a room is archived, and opened again, as what administrators do is, and then stands there as the server says', async () => {
  const acting = new RoomActs(pub);
  for (const act of ['archive', 'unarchive'] as const) {
    acting.ask(act);
    expect(await acting.confirm(form)).toBe(true);
    expect(acting.changed?.title).toBe('The Pub, as it is now');
  }
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['PUT /api/admin/rooms/pub/archive', 'DELETE /api/admin/rooms/pub/archive']);
});

it('a room without members is handed to nobody, and one that is archived is opened again', () => {
  expect([actsOn(pub), actsOn({ ...pub, members: 0 }), actsOn({ ...pub, archived: true })]).toEqual([
    ['owner', 'archive', 'delete'],
    ['archive', 'delete'],
    ['owner', 'unarchive', 'delete'],
  ]);
});
