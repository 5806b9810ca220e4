import { afterEach, expect, it, vi } from 'vitest';
import { InviteLink } from '../../src/session/inviteLink.svelte';
import { inviteWay } from '../../src/session/inviteWay';

const invite = { room: 'den', title: 'The den', topic: '', people: 2, by: { user: 'ana', name: 'Ana', kind: 'person' }, visibility: 'private' };

afterEach(() => {
  vi.unstubAllGlobals();
  inviteWay.secret = '';
});

/** Answers each call with the next of these, and keeps what was asked. */
function server(...answers: [status: number, body: unknown][]) {
  const asked: { url: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push({ url, body: JSON.parse(init.body as string) });
    const [status, body] = answers.shift()!;
    return new Response(JSON.stringify(body), { status });
  });
  return asked;
}

it('an invite link shows its room, stays with the tab through other doors, and is forgotten when it has let somebody in', async () => {
  const asked = server([200, invite], [200, invite], [200, { room: 'den' }]);
  const first = new InviteLink('geheim');
  await first.look();
  expect(first.found).toEqual(invite);

  const again = new InviteLink('');
  await again.look();
  expect(await again.enter()).toBe('den');

  expect(asked.map((one) => one.url)).toEqual(['/api/invites/look', '/api/invites/look', '/api/invites']);
  expect(asked.every((one) => JSON.stringify(one.body) === '{"secret":"geheim"}')).toBe(true);
  expect(new InviteLink('').phase).toBe('missing');
});

it('an invite link that lets somebody not in says why, and may be tried again; one that is gone is gone', async () => {
  server([200, invite], [409, { code: 'room_full' }], [404, { code: 'no_such_invite' }]);
  const link = new InviteLink('geheim');
  await link.look();

  expect(await link.enter()).toBe(null);
  expect([link.phase, link.refused?.code]).toEqual(['open', 'room_full']);
  expect(await link.enter()).toBe(null);
  expect(link.phase).toBe('gone');
});
