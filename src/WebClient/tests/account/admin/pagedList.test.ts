import { beforeEach, expect, it, vi } from 'vitest';
import { PagedList } from '../../../src/account/admin/pagedList.svelte';

interface Entry {
  user: string;
}

let asked: { path: string; answer: (page: { accounts: Entry[]; cursor?: string }) => void }[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal('fetch', (path: string) => new Promise((resolve) => asked.push({ path, answer: (page) => resolve(Response.json(page)) })));
});

const entries = (...users: string[]) => ({ accounts: users.map((user) => ({ user })) });
const usersOf = ({ list }: PagedList<Entry, 'all' | 'banned'>) => list?.map(({ user }) => user);

it('reads on where the page before ended, with what is looked for', async () => {
  const list = new PagedList<Entry, 'all' | 'banned'>('/api/admin/accounts', 'accounts', 'all');
  [list.query, list.filter] = [' ana ', 'banned'];
  const first = list.read();
  expect(list.phase).toBe('loading');
  asked[0]!.answer({ ...entries('ana'), cursor: 'ana' });
  await first;
  expect([usersOf(list), list.hasMore, list.phase]).toEqual([['ana'], true, 'ready']);
  const more = list.readMore();
  asked[1]!.answer(entries('anabel'));
  await more;
  expect([usersOf(list), list.hasMore]).toEqual([['ana', 'anabel'], false]);
  expect(asked.map(({ path }) => path)).toEqual(['/api/admin/accounts?query=ana&filter=banned', '/api/admin/accounts?query=ana&filter=banned&cursor=ana']);
});

it('shows no answer to what was looked for before, though it comes later', async () => {
  const list = new PagedList<Entry, 'all' | 'banned'>('/api/admin/accounts', 'accounts', 'all');
  list.query = 'a';
  const first = list.read();
  list.query = 'ab';
  const second = list.read();
  asked[1]!.answer(entries('abel'));
  await second;
  asked[0]!.answer(entries('ana'));
  await first;
  expect(usersOf(list)).toEqual(['abel']);
});

it('puts in the place of what was changed what the server says of it now, and takes away what is gone', async () => {
  const list = new PagedList<Entry & { banned?: boolean }, 'all' | 'banned'>('/api/admin/accounts', 'accounts', 'all');
  const read = list.read();
  asked[0]!.answer(entries('ana', 'bea'));
  await read;
  const refreshed = list.refresh('bea', ({ user }) => user === 'bea');
  asked[1]!.answer({ accounts: [{ user: 'bea', banned: true } as Entry, { user: 'beatriz' }] });
  await refreshed;
  expect(list.list).toEqual([{ user: 'ana' }, { user: 'bea', banned: true }]);
  const gone = list.refresh('bea', ({ user }) => user === 'bea');
  asked[2]!.answer(entries('beatriz'));
  await gone;
  expect(list.list).toEqual([{ user: 'ana' }]);
});
