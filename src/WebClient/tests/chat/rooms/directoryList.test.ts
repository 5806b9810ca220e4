import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DirectoryList } from '../../../src/chat/rooms/directoryList.svelte';

/** What is asked for and not answered, the oldest first. */
let asked: { cursor: string | null; query: string | null; answer: (rooms: string[] | null, next?: string) => Promise<void> }[];

beforeEach(() => {
  vi.useFakeTimers();
  // The longest pauses of the jitter.
  vi.spyOn(Math, 'random').mockReturnValue(1);
  asked = [];
  vi.stubGlobal('fetch', (path: string) => {
    const search = new URL(path, 'http://localhost').searchParams;
    return new Promise<Response>((resolve) => {
      asked.push({
        cursor: search.get('cursor'),
        query: search.get('query'),
        answer: async (rooms, next) => {
          resolve(rooms === null ? new Response('', { status: 503 }) : Response.json({ rooms: rooms.map((id) => ({ id, title: id })), next: next ?? null }));
          await vi.advanceTimersByTimeAsync(0);
        },
      });
    });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const idsOf = (list: DirectoryList) => list.rooms.map(({ id }) => id).join(' ');

async function twoPages(): Promise<DirectoryList> {
  const list = new DirectoryList();
  void list.read();
  await asked.shift()!.answer(['a', 'b'], 'c1');
  void list.more();
  await vi.advanceTimersByTimeAsync(0);
  await asked.shift()!.answer(['c', 'd'], 'c2');
  expect(idsOf(list)).toBe('a b c d');
  return list;
}

it('reads as many pages as are shown when rooms have changed, and shows what was there until all of them have come', async () => {
  const list = await twoPages();
  list.renew();
  list.renew();
  await vi.advanceTimersByTimeAsync(250);
  expect(asked.map(({ cursor }) => cursor)).toEqual([null]);
  await asked.shift()!.answer(['new', 'a'], 'c3');
  expect(idsOf(list)).toBe('a b c d');
  expect(asked.map(({ cursor }) => cursor)).toEqual(['c3']);
  await asked.shift()!.answer(['b', 'c'], 'c4');
  expect([idsOf(list), list.hasMore, list.looking]).toEqual(['new a b c', true, false]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual([]);
});

it('shows the page that was on its way when rooms changed, and then reads all of them again', async () => {
  const list = await twoPages();
  void list.more();
  await vi.advanceTimersByTimeAsync(0);
  list.renew();
  await vi.advanceTimersByTimeAsync(250);
  await asked.shift()!.answer(['e']);
  expect([idsOf(list), list.hasMore]).toEqual(['a b c d e', false]);
  await vi.advanceTimersByTimeAsync(250);
  expect(asked.map(({ cursor }) => cursor)).toEqual([null]);
});

it('reads on for whoever asks for more while it reads again', async () => {
  const list = await twoPages();
  list.renew();
  await vi.advanceTimersByTimeAsync(250);
  void list.more();
  await asked.shift()!.answer(['a', 'b'], 'c1');
  await asked.shift()!.answer(['c', 'd'], 'c9');
  expect(asked.map(({ cursor }) => cursor)).toEqual(['c9']);
  await asked.shift()!.answer(['e']);
  expect(idsOf(list)).toBe('a b c d e');
});

it('says when a further page does not come, and asks for it again by itself and by the button', async () => {
  const list = await twoPages();
  void list.more();
  await vi.advanceTimersByTimeAsync(0);
  await asked.shift()!.answer(null);
  expect([list.problem?.status, idsOf(list)]).toEqual([503, 'a b c d']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked.map(({ cursor }) => cursor)).toEqual(['c2']);
  await asked.shift()!.answer(null);
  list.retry.retryNow();
  await asked.shift()!.answer(['e']);
  expect([list.problem, idsOf(list), list.hasMore]).toEqual([null, 'a b c d e', false]);
});

it('says when what is looked for does not come, though something else is shown', async () => {
  const list = await twoPages();
  list.look({ tag: 'plants' });
  await vi.advanceTimersByTimeAsync(0);
  await asked.shift()!.answer(null);
  expect([list.problem?.status, list.looking]).toEqual([503, true]);
  list.retry.retryNow();
  await asked.shift()!.answer(['ferns']);
  expect([list.problem, idsOf(list), list.looking]).toEqual([null, 'ferns', false]);
});

it('puts no page of what was looked for before behind what is looked for now', async () => {
  const list = await twoPages();
  void list.more();
  await vi.advanceTimersByTimeAsync(0);
  const late = asked.shift()!;
  list.look({ query: 'pub' });
  await late.answer(['e']);
  expect([idsOf(list), list.looking]).toEqual(['a b c d', true]);
  await vi.advanceTimersByTimeAsync(250);
  expect(asked.map(({ cursor, query }) => [cursor, query])).toEqual([[null, 'pub']]);
  await asked.shift()!.answer(['pub']);
  expect(idsOf(list)).toBe('pub');
});
