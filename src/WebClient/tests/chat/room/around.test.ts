import { afterEach, expect, it, vi } from 'vitest';
import type { Outbox } from '../../../src/chat/compose/outbox.svelte';
import { Around } from '../../../src/chat/room/around.svelte';

const event = (seq: number, day: number) => ({ v: 1, type: 'message', room: 'lobby', seq, epoch: 'e', id: `i${seq}`, at: new Date(2026, 10, day, 12).toISOString(), from: { user: 'bob', name: 'Bob', kind: 'person' }, text: `${seq}` });
const me = { user: 'me', name: 'Me', kind: 'person' as const };

/** What stands nearest to a day of November, of what was said on the 10th and the 20th. */
async function at(day: string) {
  const events = [event(1, 10), event(2, 20)];
  vi.stubGlobal('fetch', async (path: string) => {
    const from = new URL(path, 'http://localhost').searchParams.get('at')!;
    return Response.json({ epoch: 'e', head: 2, first: 1, events, at: events.find((one) => one.at >= from)?.seq });
  });
  const around = new Around('/api/rooms/lobby', { day }, { me: 'me', outbox: { lines: [], reached() {}, echoed() {}, gone: async () => {} } as unknown as Outbox, author: () => me, met() {} });
  await around.read();
  around.stop();
  return [around.phase, around.seq, around.isOtherDay];
}

afterEach(() => void vi.unstubAllGlobals());

it('says of a day on which nothing was said that something else is shown, before the beginning and between as well', async () => {
  expect(await at('2026-11-10')).toEqual(['ready', 1, false]);
  expect(await at('2026-11-20')).toEqual(['ready', 2, false]);
  expect(await at('2026-11-01')).toEqual(['ready', 1, true]);
  expect(await at('2026-11-15')).toEqual(['ready', 2, true]);
  expect(await at('2026-11-25')).toEqual(['ready', 2, true]);
});
