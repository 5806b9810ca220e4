import { beforeEach, expect, it, vi } from 'vitest';
import { PagedList } from '../../../src/account/admin/pagedList.svelte';

interface Entry {
  user: string;
}

let asked: { path: string; answer: (content: object, status?: number) => void }[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal('fetch', (path: string) => new Promise((resolve) => asked.push({ path, answer: (content, status = 200) => resolve(Response.json(content, { status })) })));
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

it('asks again for the page that did not come, and keeps those before it', async () => {
  const list = new PagedList<Entry, 'all' | 'banned'>('/api/admin/accounts', 'accounts', 'all');
  const first = list.read();
  asked[0]!.answer({ ...entries('ana'), cursor: 'ana' });
  await first;
  const more = list.readMore();
  asked[1]!.answer({}, 503);
  await more;
  expect([usersOf(list), list.phase]).toEqual([['ana'], 'failed']);
  const again = list.retry();
  asked[2]!.answer(entries('bea'));
  await again;
  expect([usersOf(list), list.phase, asked[2]!.path]).toEqual([['ana', 'bea'], 'ready', '/api/admin/accounts?cursor=ana']);
});

it('puts in the place of what was changed what the server says of it now, and takes away only what is gone', async () => {
  const list = new PagedList<Entry & { banned?: boolean }, 'all' | 'banned'>('/api/admin/accounts', 'accounts', 'all');
  const read = list.read();
  asked[0]!.answer(entries('ana', 'b.ea'));
  await read;
  const refresh = () => list.refresh('b.ea', ({ user }) => user === 'b.ea');
  let refreshed = refresh();
  expect(asked[1]!.path).toBe('/api/admin/accounts/b.ea');
  asked[1]!.answer({ user: 'b.ea', banned: true });
  await refreshed;
  expect(list.list).toEqual([{ user: 'ana' }, { user: 'b.ea', banned: true }]);

  refreshed = refresh();
  asked[2]!.answer({}, 503);
  await refreshed;
  expect([usersOf(list), list.phase]).toEqual([['ana', 'b.ea'], 'failed']);

  refreshed = refresh();
  asked[3]!.answer({}, 404);
  await refreshed;
  expect(usersOf(list)).toEqual(['ana']);
});
