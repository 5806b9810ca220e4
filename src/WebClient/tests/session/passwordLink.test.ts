import { afterEach, expect, it, vi } from 'vitest';
import { PasswordLink } from '../../src/session/passwordLink.svelte';
import { takeSecret } from '../../src/session/secretLink.svelte';
import type { Me } from '../../src/session/session.svelte';

const owner = { user: 'ana', name: 'Ana', expiresAt: '2026-01-01T00:00:00Z' };
const me: Me = { account: 'a1', user: 'ana', name: 'Ana', kind: 'person', email: null, administrator: false, sessionId: 's1' };

afterEach(() => vi.unstubAllGlobals());

/** Answers the one call that looking makes, and keeps it. */
function server(status: number, body: unknown) {
  const asked: { url: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, body: JSON.parse(init.body as string) });
    return new Response(JSON.stringify(body), { status });
  });
  return asked;
}

it('P37: a link shows whose password it sets, and sends its secret in the body alone', async () => {
  const asked = server(200, owner);
  const link = new PasswordLink('geheim');
  expect(link.phase).toBe('looking');
  await link.look();
  expect(link.phase).toBe('open');
  expect(link.found).toEqual(owner);
  expect(asked).toEqual([{ url: '/api/password-links/look', body: { secret: 'geheim' } }]);
});

it.each([
  [404, 'no_such_link', 'gone'],
  [429, 'too_many_attempts', 'failed'],
  [500, 'server_error', 'failed'],
])('P37: an answer of %d makes it %s', async (status, code, phase) => {
  server(status, { code });
  const link = new PasswordLink('geheim');
  await link.look();
  expect(link.phase).toBe(phase);
  // What failed is tried again on the same link.
  server(200, owner);
  await link.look();
  expect(link.phase).toBe('open');
});

it('B4: a link that could not be looked at is looked at again by itself, until nobody looks at it any more', async () => {
  vi.useFakeTimers();
  const asked = server(503, {});
  const link = new PasswordLink('geheim');
  await link.look();
  expect(link.phase).toBe('failed');
  await vi.advanceTimersByTimeAsync(500);
  expect([link.phase, asked.length]).toEqual(['failed', 2]);
  link.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
  void link.look();
  server(200, owner);
  await vi.advanceTimersByTimeAsync(500);
  expect(link.phase).toBe('open');
  vi.useRealTimers();
});

it('P37: without a secret nothing is asked', async () => {
  const asked = server(200, owner);
  const link = new PasswordLink('');
  await link.look();
  expect(link.phase).toBe('missing');
  expect(asked).toEqual([]);
});

it('P37: a password that is refused leaves the link as it is, one that comes too late ends it', async () => {
  server(200, owner);
  const link = new PasswordLink('geheim');
  await link.look();
  const refused = (status: number) => ({ ok: false as const, problem: { status, code: null, message: '', fields: {}, retryAfter: null } });
  await link.use(async () => refused(400));
  expect(link.phase).toBe('open');
  expect(await link.use(async (secret) => ({ ok: true, value: { ...me, name: secret } }))).toMatchObject({ ok: true, value: { name: 'geheim' } });
  await link.use(async () => refused(404));
  expect(link.phase).toBe('gone');
});

it('P37: the secret leaves the address as it is read', () => {
  const replaced: string[] = [];
  vi.stubGlobal('location', { hash: '#geheim', pathname: '/chat/p', search: '' });
  vi.stubGlobal('history', { replaceState: (_state: unknown, _title: string, url: string) => replaced.push(url) });
  expect(takeSecret()).toBe('geheim');
  expect(replaced).toEqual(['/chat/p']);
});
