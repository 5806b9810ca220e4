import { afterEach, describe, expect, it, vi } from 'vitest';
import { RolesState } from '../../../src/chat/people/roles.svelte';

const member = (user: string, role: string) => ({ user, name: user, kind: 'person', role });

afterEach(() => vi.unstubAllGlobals());

describe('RolesState', () => {
  it('reads who has a role, page by page, and asks after an absence only where somebody has looked', async () => {
    const pages: Record<string, unknown> = {
      '/api/rooms/yard/members?role=moderator': { members: [member('ana', 'owner')], next: 'ana' },
      '/api/rooms/yard/members?role=moderator&after=ana': { members: [member('bea', 'moderator')], next: null },
    };
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string) => (asked.push(path), Response.json(pages[path])));
    const roles = new RolesState('yard');
    await roles.cameIn();
    expect(asked).toEqual([]);
    await roles.read();
    expect(['ana', 'bea', 'caio'].map((user) => roles.of(user))).toEqual(['owner', 'moderator', 'member']);
    await roles.cameIn();
    expect(asked).toHaveLength(4);
  });

  it('asks when the reader is in the room, where somebody has looked before', async () => {
    const fetch = vi.fn(async () => Response.json({ members: [member('ana', 'owner')], next: null }));
    vi.stubGlobal('fetch', fetch);
    const roles = new RolesState('yard');
    await roles.read();
    expect(fetch).not.toHaveBeenCalled();
    await roles.cameIn();
    expect([fetch.mock.calls.length, roles.of('ana')]).toEqual([1, 'owner']);
  });

  it('keeps what the room tells while the server is asked, and one owner', async () => {
    let answer = (_: Response) => {};
    vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)));
    const roles = new RolesState('yard');
    await roles.cameIn();
    const read = roles.read();
    roles.given('bea', 'moderator');
    answer(Response.json({ members: [member('ana', 'owner'), member('caio', 'moderator')], next: null }));
    await read;
    expect(['ana', 'bea', 'caio'].map((user) => roles.of(user))).toEqual(['owner', 'moderator', 'moderator']);
    roles.given('bea', 'owner');
    roles.given('caio', 'member');
    expect(['ana', 'bea', 'caio'].map((user) => roles.of(user))).toEqual(['moderator', 'owner', 'member']);
  });
});
