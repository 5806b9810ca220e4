import { afterEach, describe, expect, it, vi } from 'vitest';
import { MembersState } from '../../../src/chat/people/members.svelte';

const member = (user: string, role = 'member') => ({ user, name: user, kind: 'person', role });

/** Answers each address with a page, or with nothing. */
function serving(pages: Record<string, { members: unknown[]; next: string | null } | null>) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    const page = pages[path];
    if (!page) throw new TypeError('no network');
    return new Response(JSON.stringify(page));
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe('MembersState', () => {
  const first = { members: [member('ana', 'owner'), member('bea')], next: 'bea' };

  it('S18: reads the list page by page, to its end', async () => {
    const asked = serving({ '/api/rooms/den/members': first, '/api/rooms/den/members?after=bea': { members: [member('caio'), { user: 7 }], next: null } });
    const members = new MembersState('den');
    await members.read();
    expect([members.list.map(({ user }) => user), members.hasMore]).toEqual([['ana', 'bea'], true]);
    await members.readMore();
    expect([members.list.map(({ user }) => user), members.hasMore]).toEqual([['ana', 'bea', 'caio'], false]);
    expect(members.list.map(({ role }) => role)).toEqual(['owner', 'member', 'member']);
    await members.readMore();
    expect(asked).toHaveLength(2);
    members.removed('bea');
    expect(members.list.map(({ user }) => user)).toEqual(['ana', 'caio']);
    await members.read();
    expect(members.list.map(({ user }) => user)).toEqual(['ana', 'bea']);
  });

  it('S18: says what is wrong with a page that does not come, and keeps those that did', async () => {
    const pages: Parameters<typeof serving>[0] = { '/api/rooms/den/members': first };
    serving(pages);
    const members = new MembersState('den');
    await members.read();
    await members.readMore();
    expect([members.problem?.code, members.list.length, members.hasMore]).toEqual(['unreachable', 2, true]);
    pages['/api/rooms/den/members?after=bea'] = { members: [member('caio')], next: null };
    await members.readMore();
    expect([members.problem, members.list.length]).toEqual([null, 3]);
  });
});
