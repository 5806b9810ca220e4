import { afterEach, expect, it, vi } from 'vitest';
import { otherOf, SearchState } from '../../../src/chat/search/search.svelte';

const hit = (seq: number, place: object) => ({
  v: 1, type: 'message', ...place, seq, epoch: 'e', id: `m${seq}`, at: '2026-11-29T07:04:31.000Z', from: { user: 'bea', name: 'Béa', kind: 'person' }, text: 'olá', found: [[0, 3]],
});

const asked: string[] = [];

function answer(...hits: object[]) {
  asked.length = 0;
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    return Response.json({ hits });
  });
}

afterEach(() => vi.unstubAllGlobals());

it('searches the room or the conversation that is open, or everywhere', async () => {
  answer();
  const search = new SearchState();
  search.text = 'olá';
  for (const [place, within] of [['lobby', '&room=lobby'], ['@bea', '&with=bea'], ['', '']] as const) {
    await search.search(place);
    expect(asked.at(-1)).toBe(`/api/search?q=ol%C3%A1&order=newest&limit=20${within}`);
  }
  search.everywhere = true;
  await search.search('@bea');
  expect(asked.at(-1)).toBe('/api/search?q=ol%C3%A1&order=newest&limit=20');
});

it('tells hits in conversations from those in rooms, also of one number', async () => {
  answer(hit(7, { room: 'lobby' }), hit(7, { with: 'bea' }), hit(7, { with: 'ana' }));
  const search = new SearchState();
  search.text = 'olá';
  await search.search('lobby');
  expect(search.hits.map(({ key, event }) => [key, event.room, otherOf(event.room)])).toEqual([
    ['lobby/7', 'lobby', null],
    ['@bea/7', '@bea', 'bea'],
    ['@ana/7', '@ana', 'ana'],
  ]);
});
