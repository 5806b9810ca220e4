import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Reading } from '../../../src/chat/model/protocol';
import { RoomDirectory } from '../../../src/chat/rooms/roomDirectory.svelte';

interface Listed {
  visibility?: 'public' | 'private';
  member?: boolean;
  read?: Omit<Reading, 'unread'>;
}

const listed = (id: string, { visibility = 'public', member = false, ...more }: Listed = {}) => ({ id, title: id, topic: '', visibility, people: 0, member, mine: false, head: 9, ...more });

/** A directory that has read these. */
async function holding(...rooms: ReturnType<typeof listed>[]) {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ rooms })));
  const told: string[] = [];
  const directory = new RoomDirectory((room) => told.push(room));
  await directory.read();
  return { directory, told };
}

const members = (directory: RoomDirectory) => directory.rooms.filter((room) => room.member).map((room) => room.id);

afterEach(() => vi.unstubAllGlobals());

describe('RoomDirectory', () => {
  it('P19: shows the rooms of an earlier visit while the server cannot be asked, and its own list as soon as it can', async () => {
    const { directory: before } = await holding(listed('lobby', { member: true }), listed('cellar', { visibility: 'private', member: true }), listed('garden'));
    const kept = before.kept;
    expect(kept.map((room) => room.id)).toEqual(['lobby', 'cellar']);

    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('no network')));
    const offline = new RoomDirectory(() => {});
    offline.restore(kept);
    await offline.read();
    expect(members(offline)).toEqual(['lobby', 'cellar']);
    expect(offline.phase).toBe('failed');
    offline.stop();

    const { directory: after } = await holding(listed('lobby', { member: true }));
    after.restore(kept);
    expect(members(after)).toEqual(['lobby']);
  });

  it('S19: holds the invitations that wait for an answer, and lets go of those that were answered', async () => {
    const by = { user: 'bea', name: 'Bea', kind: 'person' };
    const invited = [{ room: 'den', title: 'The den', visibility: 'private', by, at: '' }, { room: 'yard', by }, { room: 'broken' }, null];
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ rooms: [listed('yard')], invited })));
    const directory = new RoomDirectory(() => {});
    await directory.read();
    expect(directory.invited).toEqual([
      { room: 'den', title: 'The den', visibility: 'private', by },
      { room: 'yard', title: 'yard', visibility: 'public', by },
    ]);
    directory.answered('den');
    expect(directory.invited.map(({ room }) => room)).toEqual(['yard']);
    // A server of an earlier version says nothing of invitations.
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ rooms: [listed('yard')] })));
    await directory.read();
    expect(directory.invited).toEqual([]);
  });

  it('adds the rooms that the account is in, and says whether all of them are on the list', async () => {
    const { directory } = await holding(listed('lobby', { member: true }), listed('garden'));
    expect(directory.join(new Set(['garden', 'lobby']))).toBe(true);
    expect(members(directory)).toEqual(['lobby', 'garden']);
    expect(directory.join(new Set(['cellar']))).toBe(false);
    expect([...directory.mine]).toEqual(['garden', 'lobby', 'cellar']);
  });

  it('leaves a list as it is that says so already', async () => {
    const { directory } = await holding(listed('lobby', { member: true }));
    const { rooms } = directory;
    directory.join(new Set(['lobby']));
    expect(directory.rooms).toBe(rooms);
  });

  it('takes the account for in what was told, also by a list that is older', async () => {
    const { directory } = await holding(listed('lobby'));
    directory.join(new Set(['lobby']));
    await directory.read();
    expect(members(directory)).toEqual(['lobby']);
  });

  it('keeps to the rooms that are told to be all: of the others the public ones can still be come into', async () => {
    const { directory } = await holding(listed('lobby', { member: true }), listed('garden', { member: true }), listed('cellar', { visibility: 'private', member: true }), listed('attic'));
    directory.join(new Set(['garden']));
    directory.keepTo(new Set(['lobby', 'attic']));
    expect([directory.rooms.map((room) => room.id), members(directory), [...directory.mine]]).toEqual([['lobby', 'garden', 'attic'], ['lobby', 'attic'], []]);
  });

  it.each([
    ['public', false, ['lobby']],
    ['public', true, []],
    ['private', false, []],
  ] as const)('P11: after a %s room (deleted: %s) lists %j', async (visibility, isDeleted, left) => {
    const { directory } = await holding(listed('lobby', { visibility, member: true }));
    directory.leave('lobby', isDeleted);
    expect([directory.rooms.map((room) => room.id), members(directory)]).toEqual([left, []]);
  });

  it('takes over what a room says of itself, and nothing when it says the same', async () => {
    const { directory } = await holding(listed('lobby'), listed('garden'));
    const { rooms } = directory;
    directory.rename({ ...rooms[0]!, people: 7 });
    expect(directory.rooms).toBe(rooms);
    directory.rename({ ...rooms[0]!, title: 'The lobby' });
    expect(directory.rooms.map((room) => room.title)).toEqual(['The lobby', 'garden']);
  });

  it('tells how far was read where nothing newer was told live', async () => {
    const read = { seq: 5, epoch: 'e' };
    const { directory, told } = await holding(listed('lobby', { read }), listed('garden', { read }));
    expect(told).toEqual(['lobby', 'garden']);
    directory.join(new Set(['garden']));
    await directory.read();
    expect(told).toEqual(['lobby', 'garden', 'lobby']);
  });

  it('is known when the list came, or failed, or the server told the rooms', async () => {
    await (await holding()).directory.known;
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('no network')));
    const failing = new RoomDirectory(() => {});
    await failing.read();
    await failing.known;
    expect([failing.phase, failing.retry.failures]).toEqual(['failed', 1]);
    failing.stop();
    const told = new RoomDirectory(() => {});
    told.keepTo(new Set());
    await told.known;
  });

  it('R2: asks for the own rooms, to their end, and for the busiest of all, and no other time for what is the same still', async () => {
    const asked: string[] = [];
    const pages: Record<string, object> = {
      '/api/rooms?mine=true&limit=200': { rooms: [listed('den', { visibility: 'private', member: true })], next: '0.den' },
      '/api/rooms?mine=true&limit=200&cursor=0.den': { rooms: [listed('lobby', { member: true })] },
      '/api/rooms?limit=50': { rooms: [listed('lobby', { member: true }), listed('yard')], next: '0.yard' },
      '/api/rooms?limit=50&cursor=0.yard': { rooms: [listed('zoo')] },
    };
    vi.stubGlobal('fetch', async (path: string, init: { headers: Record<string, string> }) => {
      asked.push(`${path} ${init.headers['If-None-Match'] ?? ''}`.trim());
      if (init.headers['If-None-Match'] === `W/"${path}"`) return new Response(null, { status: 304 });
      return Response.json(pages[path], { headers: { ETag: `W/"${path}"` } });
    });
    const directory = new RoomDirectory(() => {});
    await directory.read();
    expect(directory.rooms.map((room) => room.id)).toEqual(['den', 'lobby', 'yard']);
    expect(asked).toEqual(Object.keys(pages).filter((path) => !path.includes('0.yard')).sort((a, b) => asked.indexOf(a) - asked.indexOf(b)));
    expect([directory.hasMore(''), directory.hasMore('zoo')]).toEqual([true, false]);
    await directory.more('');
    expect([directory.rooms.map((room) => room.id), directory.hasMore('')]).toEqual([['den', 'lobby', 'yard', 'zoo'], false]);
    asked.length = 0;
    await directory.read();
    expect(asked.every((one) => one.includes('W/'))).toBe(true);
    expect(directory.rooms.map((room) => room.id)).toEqual(['den', 'lobby', 'yard', 'zoo']);
  });

  it('R2: looks for a room by the server when the reader pauses', async () => {
    vi.useFakeTimers();
    try {
      const { directory } = await holding(listed('lobby', { member: true }));
      const asked: string[] = [];
      vi.stubGlobal('fetch', async (path: string) => {
        asked.push(path);
        return Response.json({ rooms: [listed('lobby', { member: true }), listed('music')] });
      });
      for (const text of ['m', 'mu', 'Mú']) directory.look(text);
      expect([directory.looking, asked]).toEqual([true, []]);
      await vi.advanceTimersByTimeAsync(300);
      expect([directory.looking, asked]).toEqual([false, ['/api/rooms?limit=50&query=M%C3%BA']]);
      expect(directory.rooms.map((room) => room.id)).toEqual(['lobby', 'music']);
      directory.look('');
      directory.look('Mú ');
      await vi.advanceTimersByTimeAsync(300);
      expect(asked).toHaveLength(1);
      directory.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});
