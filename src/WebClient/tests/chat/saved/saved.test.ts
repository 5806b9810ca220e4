import { afterEach, expect, it, vi } from 'vitest';
import { Saved } from '../../../src/chat/saved/saved.svelte';

const event = { v: 1, type: 'message', room: 'lobby', seq: 42, epoch: 'e', id: 'i', at: '2026-11-23T07:00:00.000Z', from: { user: 'bea', name: 'Béa', kind: 'person' }, text: 'hello' };

function answering(status = 200) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    asked.push(`${init?.method ?? 'GET'} ${path}`);
    if (init?.method !== 'GET' && init?.method !== undefined) return status === 200 ? new Response(null, { status: 204 }) : Response.json({ code: 'too_many' }, { status });
    return Response.json({ saved: [{ room: 'lobby', seq: 42, savedAt: event.at, event }, { room: 'shut', seq: 1, savedAt: event.at }, { with: 'bea', seq: 3, savedAt: event.at, event: { ...event, seq: 3 } }] });
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

it('lists what was saved, also what may not be read any more, and takes it off', async () => {
  const asked = answering();
  const saved = new Saved();
  saved.look();
  await vi.waitFor(() => expect(saved.phase).toBe('ready'));
  expect(saved.list.map(({ topic, event }) => [topic, event?.text])).toEqual([['rooms/lobby', 'hello'], ['rooms/shut', undefined], ['users/bea', 'hello']]);
  expect([saved.has('rooms/lobby', 42), saved.has('rooms/lobby', 43), saved.hasMore]).toEqual([true, false, false]);
  await saved.turn('rooms/lobby', 42);
  expect([saved.has('rooms/lobby', 42), saved.list.length, asked.at(-1)]).toEqual([false, 2, 'DELETE /api/saved/rooms/lobby/42']);
  await saved.turn('rooms/lobby', 42);
  expect([saved.has('rooms/lobby', 42), asked.at(-1)]).toEqual([true, 'PUT /api/saved/rooms/lobby/42']);
  await saved.turn('users/bea', 3);
  expect([saved.has('users/bea', 3), asked.at(-1)]).toEqual([false, 'DELETE /api/saved/conversations/bea/3']);
});

it('shows nothing as saved that the server refuses', async () => {
  answering(409);
  const saved = new Saved();
  const turning = saved.turn('rooms/lobby', 7);
  expect(saved.has('rooms/lobby', 7)).toBe(true);
  expect((await turning).ok).toBe(false);
  expect([saved.has('rooms/lobby', 7), saved.problem?.code]).toEqual([false, 'too_many']);
});

it('has no words of it while nobody looks, and shows nothing old to who looks again and is not answered', async () => {
  answering();
  const saved = new Saved();
  await saved.refresh();
  expect([saved.list.length, saved.has('rooms/lobby', 42)]).toEqual([0, true]);
  const leave = saved.look();
  await vi.waitFor(() => expect(saved.list).toHaveLength(3));
  leave();
  expect([saved.list.length, saved.has('rooms/lobby', 42)]).toEqual([0, true]);
  vi.stubGlobal('fetch', async () => Response.json({}, { status: 503 }));
  saved.look();
  expect([saved.list.length, saved.phase]).toEqual([0, 'loading']);
  await vi.waitFor(() => expect(saved.phase).toBe('failed'));
  expect(saved.list).toEqual([]);
  saved.stop();
});
