import { afterEach, describe, expect, it, vi } from 'vitest';
import { MembersState, NameableMembers } from '../../../src/chat/people/members.svelte';

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

describe('NameableMembers', () => {
  afterEach(() => vi.useRealTimers());

  it('are asked for once a minute at most, and anew after an absence', async () => {
    vi.useFakeTimers();
    const path = '/api/rooms/den/members?limit=200';
    const pages: Parameters<typeof serving>[0] = { [path]: { members: [member('ana')], next: 'ana' }, [`${path}&after=ana`]: { members: [member('carl')], next: null } };
    const asked = serving(pages);
    const members = new NameableMembers('den');
    await Promise.all([members.look(), members.look()]);
    expect([members.list.map(({ user }) => user), asked.length]).toEqual([['ana', 'carl'], 2]);
    await members.look();
    expect(asked).toHaveLength(2);
    pages[path] = null;
    vi.advanceTimersByTime(60_000);
    await members.look();
    expect([asked.length, members.list.length]).toEqual([3, 2]);
    members.cameIn();
    await members.look();
    expect(asked).toHaveLength(4);
    members.clear();
    expect(members.list).toEqual([]);
  });

  it('do not come back when the reader was put out while they were asked for', async () => {
    serving({ '/api/rooms/den/members?limit=200': { members: [member('ana')], next: null } });
    const members = new NameableMembers('den');
    const looking = members.look();
    members.clear();
    await looking;
    expect(members.list).toEqual([]);
  });

  it('are the first thousand of the list', async () => {
    let pages = 0;
    vi.stubGlobal('fetch', async () => Response.json({ members: [member(`u${++pages}`)], next: `u${pages}` }));
    const members = new NameableMembers('square');
    await members.look();
    expect([pages, members.list.length]).toEqual([5, 5]);
  });
});
