import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Link } from '../../../src/chat/link/link';
import { Publishing } from '../../../src/chat/talk/publishing';

const published: string[] = [];
const asked: [string, unknown][] = [];
let answer: () => Response;
const link = { publish: async (topic: string) => (published.push(topic), { ok: true, logged: null }) } as unknown as Link;
const publishing = new Publishing(link, { isGone: async (user) => user === 'gone' });

beforeEach(() => {
  published.length = asked.length = 0;
  vi.stubGlobal('fetch', async (path: string, { method, body }: RequestInit) => {
    asked.push([`${method} ${path}`, JSON.parse(String(body))]);
    return answer();
  });
});

afterEach(() => vi.unstubAllGlobals());

it('what concerns a conversation whose other account was erased goes over HTTP, and all else does not', async () => {
  answer = () => Response.json({ with: 'gone', seq: 4, epoch: 'e' }, { status: 201 });
  const act = { type: 'delete', of: 3, id: 'x' };
  expect(await publishing.publish('users/bea', JSON.stringify(act))).toEqual({ ok: true, logged: null });
  await publishing.publish('rooms/gone', JSON.stringify(act));
  await publishing.publish('users/ana/read/gone', '{}');
  expect([published, asked]).toEqual([['users/bea', 'rooms/gone', 'users/ana/read/gone'], []]);
  expect(await publishing.publish('users/gone', JSON.stringify(act))).toEqual({ ok: true, logged: { seq: 4, epoch: 'e' } });
  await publishing.publish('users/ana/conversations/gone/read', '{"seq":3,"epoch":"e"}');
  expect(asked).toEqual([['POST /api/conversations/gone/events', act], ['PUT /api/conversations/gone/read', { seq: 3, epoch: 'e' }]]);
  expect(published).toHaveLength(3);
});

it.each([
  [503, 'busy', 0x97],
  [429, 'quota', 0x97],
  [410, 'removed', 0x87],
  [403, 'not_allowed', 0x87],
])('of %i it is known whether it may be tried again', async (status, name, code) => {
  answer = () => Response.json({ code: name, detail: 'no' }, { status });
  expect(await publishing.publish('users/gone', '{}')).toMatchObject({ ok: false, code, name });
});
