import { afterEach, expect, it, vi } from 'vitest';
import { RoomChanges, type KeptRoom } from '../../../src/chat/host/roomChanges.svelte';
import { readRoom, type Room } from '../../../src/chat/model/protocol';

vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', activeElement: null, body: {} }, configurable: true }));

/** A server with one room. `refuse`: what it answers to the next change instead. */
function serving(refuse: { status: number; code: string } | null = null) {
  const server = { refuse, rules: { guests: 'write', posting: 'everyone' } as Record<string, unknown>, told: [] as unknown[] };
  const described = () => readRoom({ id: 'yard', title: 'The yard', mine: true, role: 'owner', policy: server.rules });
  vi.stubGlobal('fetch', async (_path: string, { body }: { body: string }) => {
    const { type, ...change } = JSON.parse(body) as Record<string, unknown>;
    server.told.push([type, change]);
    if (server.refuse) return Response.json({ code: server.refuse.code }, { status: server.refuse.status });
    Object.assign(server.rules, change);
    return Response.json({ room: 'yard', seq: 2, epoch: 'e' }, { status: 201 });
  });
  const room = { id: 'yard', room: described() as Room | null, readRoom: async () => void (room.room = described()) };
  return { server, room, changes: new RoomChanges(room as unknown as KeptRoom) };
}

afterEach(() => vi.unstubAllGlobals());

it('a change is saved by itself, and taken back', async () => {
  const { server, changes } = serving();
  changes.begin('guests');
  expect([changes.open, changes.draft]).toEqual(['guests', 'write']);
  changes.draft = 'none';
  expect(await changes.save()).toBe(true);
  expect([changes.open, changes.mayUndo('guests'), changes.mayUndo('posting')]).toEqual([null, true, false]);
  expect(await changes.undo()).toBe(true);
  expect(server.told).toEqual([['policy', { guests: 'none' }], ['policy', { guests: 'write' }]]);
  expect(changes.mayUndo('guests')).toBe(false);
});

it('what was not changed is not sent', async () => {
  const { server, changes } = serving();
  changes.begin('title');
  changes.draft = ' The yard ';
  expect(await changes.save()).toBe(true);
  expect([server.told, changes.open, changes.saved]).toEqual([[], null, null]);
});

it('what was refused stays at its field, with what was chosen', async () => {
  const { changes } = serving({ status: 403, code: 'not_allowed' });
  changes.begin('posting');
  changes.draft = 'moderators';
  expect(await changes.save()).toBe(false);
  expect([changes.open, changes.draft, changes.problemOf('posting')?.code, changes.problemOf('guests')]).toEqual(['posting', 'moderators', 'not_allowed', null]);
  changes.cancel();
  expect([changes.open, changes.problemOf('posting')]).toEqual([null, null]);
});

it('nobody takes back what somebody else has changed since', async () => {
  const { server, room, changes } = serving();
  changes.begin('guests');
  changes.draft = 'none';
  await changes.save();
  server.rules['guests'] = 'read';
  await room.readRoom();
  expect(changes.mayUndo('guests')).toBe(false);
});
