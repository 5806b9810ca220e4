import { afterEach, expect, it, vi } from 'vitest';
import { InviteLinks, minutesUntil, readLinks, wallTime } from '../../../src/chat/host/inviteLinks.svelte';

afterEach(() => vi.unstubAllGlobals());

const ana = { user: 'ana', name: 'Ana', kind: 'person' };
const listed = (id: string, more: object = {}) => ({ id, by: ana, at: '2026-11-28T20:00:00.000Z', expiresAt: '2026-12-05T20:00:00.000Z', uses: 20, left: 19, ...more });

/** Answers of the server, one after another, and what it was asked. */
function answer(...answers: [status: number, body: unknown][]): string[] {
  const asked: string[] = [];
  vi.stubGlobal('location', { origin: 'https://chat.example.org' });
  vi.stubGlobal('document', { activeElement: null });
  vi.stubGlobal('fetch', (path: string, { method, body }: RequestInit) => {
    asked.push(`${method} ${path}${body ? ` ${String(body)}` : ''}`);
    const [status, content] = answers.shift() ?? [500, null];
    return Promise.resolve(new Response(content === null ? null : JSON.stringify(content), { status }));
  });
  return asked;
}

it('lists the newest first, and tells a link without an end of its uses from one that has one', () => {
  expect(readLinks({ invites: [listed('one'), listed('two', { uses: 0, left: undefined, by: null }), { nothing: true }] })).toEqual([
    { ...listed('two'), by: null, uses: null, left: null },
    listed('one'),
  ]);
  expect(readLinks(null)).toEqual([]);
});

it('shows a link with its secret once, and no more when it is taken back', async () => {
  const asked = answer([201, { id: 'one', path: '/talk/i#secret', expiresAt: '', uses: 10 }], [200, { invites: [listed('one')] }], [204, null], [200, { invites: [] }]);
  const links = new InviteLinks('den');
  expect(await links.make(10_080, 10)).toBe(true);
  expect(links.made).toEqual({ id: 'one', url: 'https://chat.example.org/talk/i#secret' });
  await vi.waitFor(() => expect(links.list).toHaveLength(1));
  expect(await links.revoke('one')).toBe(true);
  expect([links.made, links.list]).toEqual([null, []]);
  expect(asked[0]).toContain('POST');
  expect(asked[0]).toContain('/api/rooms/den/invites {"minutes":10080,"uses":10}');
  expect(asked[2]).toMatch(/^DELETE .*\/api\/rooms\/den\/invites\/one$/);
});

it('takes one that is over by now as taken back', async () => {
  answer([404, { code: 'no_such_invite' }], [200, { invites: [] }]);
  const links = new InviteLinks('den');
  expect(await links.revoke('one')).toBe(true);
  expect(links.revoking.problem).toBe(null);
});

it('takes no moment that is past, or beyond thirty days', () => {
  const now = Date.parse('2026-11-28T20:00:00Z');
  expect(minutesUntil(wallTime(now + 90 * 60_000), now)).toBe(90);
  expect([minutesUntil(wallTime(now - 60_000), now), minutesUntil(wallTime(now + 31 * 86_400_000), now), minutesUntil('', now)]).toEqual([null, null, null]);
});
