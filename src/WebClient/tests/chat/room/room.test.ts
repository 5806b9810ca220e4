import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Link, Subscribed } from '../../../src/chat/link/link';
import type { Outbox } from '../../../src/chat/compose/outbox.svelte';
import type { LogReader } from '../../../src/chat/room/openLog.svelte';
import { IgnoredPeople } from '../../../src/chat/people/ignored.svelte';
import { RoomState } from '../../../src/chat/room/room.svelte';

const epoch = 'e';
const me = { user: 'me', name: 'Me', kind: 'person' as const };

function event(seq: number, user = 'bob') {
  return { v: 1, type: 'message', room: 'lobby', seq, epoch, id: `id-${seq}`, at: '2026-11-22T23:00:00Z', from: { user, name: user, kind: 'person' }, text: `${seq}` };
}

/** A server whose log has `head` messages, and which may refuse pages. */
class History {
  head = 0;
  role = 'member';
  /** The status of the next answers; 200: the page. */
  status = 200;
  /** However many are asked for. */
  mostAPage = 500;
  readonly asked: string[] = [];

  fetch = async (path: string): Promise<Response> => {
    const query = new URL(path, 'http://localhost').searchParams;
    if (!path.includes('/events')) return Response.json({ id: 'lobby', title: 'Lobby', head: this.head, member: true, role: this.role });
    this.asked.push(path.split('?')[1]!);
    if (this.status !== 200) return Response.json({ code: 'busy' }, { status: this.status });
    const limit = Math.min(this.mostAPage, Number(query.get('limit')));
    const after = query.get('after');
    const last = after === null ? Math.min(this.head, Number(query.get('before') ?? Infinity) - 1) : Math.min(this.head, Number(after) + limit);
    const from = after === null ? Math.max(1, last - limit + 1) : Number(after) + 1;
    return Response.json({ epoch, head: this.head, first: 1, events: Array.from({ length: Math.max(0, last - from + 1) }, (_, index) => event(from + index)) });
  };
}

const link = { subscribe: async () => 'granted', unsubscribe() {}, publishLoosely() {} } as unknown as Link;

function newRoom(read: LogReader['read'] = () => {}): RoomState {
  const user: LogReader = {
    me: me.user,
    author: () => me,
    outbox: { lines: [], reached() {}, echoed() {} } as unknown as Outbox,
    read,
    keep() {},
    listRead: Promise.resolve(),
    ignored: new IgnoredPeople(() => {}),
    drafts: { about: () => null, turn() {} },
  };
  return new RoomState('lobby', user, null, Promise.resolve(null));
}

describe('RoomState', () => {
  const history = new History();
  let room: RoomState;

  beforeEach(async () => {
    vi.useFakeTimers();
    vi.stubGlobal('fetch', history.fetch);
    Object.assign(history, { head: 200, status: 200, mostAPage: 500 });
    history.asked.length = 0;
    room = newRoom();
    await room.attach(link);
  });

  afterEach(() => {
    room.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('B4: asks once for a page that fails, however often it is drawn, and again by itself after a pause', async () => {
    expect(room.phase).toBe('ready');
    history.status = 429;
    history.asked.length = 0;
    for (let drawing = 0; drawing < 20; drawing++) room.history.loadOlder();
    await vi.waitFor(() => expect(room.history.above.failures).toBe(1));
    for (let drawing = 0; drawing < 20; drawing++) room.history.loadOlder();
    expect(history.asked).toEqual(['before=151&limit=50']);
    history.status = 200;
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(room.history.above.failures).toBe(0));
    expect(history.asked).toHaveLength(2);
    expect(room.log.rows.at(1)!.order).toBeLessThan(151);
  });

  it('S3: reads on to the end when a page of long messages ends before it', async () => {
    Object.assign(history, { head: 260, mostAPage: 25 });
    history.asked.length = 0;
    room.receive('', JSON.stringify(event(260)));
    await vi.advanceTimersByTimeAsync(100);
    expect(history.asked).toEqual(['after=200&limit=500', 'after=225&limit=500', 'after=250&limit=500']);
    expect(room.catchingUp).toBe(false);
    expect(room.log.rows.at(room.log.rows.length - 1)!.order).toBe(260);
  });

  it('S3: catches up on what came while it was away though no page has all of it', async () => {
    Object.assign(history, { head: 260, mostAPage: 25 });
    history.asked.length = 0;
    room.detach();
    await room.attach(link);
    await vi.advanceTimersByTimeAsync(100);
    expect(history.asked.at(-1)).toBe('after=250&limit=500');
    expect(room.log.rows.at(room.log.rows.length - 1)!.order).toBe(260);
  });

  it('S3: reads back to the unread line through pages that are shorter than asked for', async () => {
    history.mostAPage = 10;
    history.asked.length = 0;
    room.history.loadOlder();
    await vi.advanceTimersByTimeAsync(100);
    room.history.loadOlder();
    await vi.advanceTimersByTimeAsync(100);
    expect(room.log.rows.at(1)!.order).toBeLessThan(141);
    expect(room.log.atStart).toBe(false);
  });

  it('B4: reads a gap once while it fails, however much comes behind it, and then all of it', async () => {
    history.head = 230;
    history.status = 503;
    history.asked.length = 0;
    for (let seq = 211; seq <= 230; seq++) room.receive('', JSON.stringify(event(seq)));
    await vi.advanceTimersByTimeAsync(100);
    for (let seq = 231; seq <= 240; seq++) room.receive('', JSON.stringify(event(seq)));
    expect(history.asked).toEqual(['after=200&limit=500']);
    history.head = 240;
    history.status = 200;
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(room.log.rows.at(room.log.rows.length - 1)!.order).toBe(240));
    expect(history.asked).toHaveLength(2);
  });

  it('B4: a first page that fails is asked for again, and the room opens', async () => {
    room.stop();
    history.status = 500;
    room = newRoom();
    await room.attach(link);
    expect(room.phase).toBe('failed');
    history.status = 200;
    await vi.advanceTimersByTimeAsync(2_000);
    await vi.waitFor(() => expect(room.phase).toBe('ready'));
  });

  it('P3: lets go of old lines while the reader follows, in a hidden tab too, and of none while they read above', async () => {
    const say = async (from: number, to: number) => {
      for (let seq = from; seq <= to; seq++) room.receive('', JSON.stringify(event(seq)));
      await vi.advanceTimersByTimeAsync(500);
    };
    await say(201, 16_000);
    expect(room.log.rows.length).toBeLessThan(11_000);
    room.log.followed = false;
    await say(16_001, 30_000);
    expect(room.log.rows.length).toBeGreaterThan(20_000);
    room.log.followed = true;
    await say(30_001, 30_002);
    expect(room.log.rows.length).toBeLessThan(11_000);
    expect(room.log.atStart).toBe(false);
  });

  it('begins where the new begins, however far above the newest page that is', async () => {
    room.stop();
    history.head = 1_700;
    room = newRoom();
    room.toldReading({ seq: 300, epoch, unread: 1_400 }, 1_700);
    room.readAhead();
    await room.attach(link);
    expect(room.log.lineRow?.order).toBe(301);
    // It stood there before the room was shown: nobody had to be brought to it.
    expect(room.reader.jumps).toBe(0);
    await vi.advanceTimersByTimeAsync(500);
    expect(room.unread).toBe(1_400);
  });

  it('is read when all of it was in view before it was known what was missed, and not by whoever is still to be brought to it', async () => {
    room.stop();
    history.head = 200;
    const read = vi.fn();
    room = newRoom(read);
    room.toldReading({ seq: 197, epoch, unread: 3 }, 200);
    room.readAhead();
    await vi.waitFor(() => expect(room.phase).toBe('ready'));
    room.reader.markRead();
    expect(read).not.toHaveBeenCalled();
    await room.attach(link);
    expect(read).toHaveBeenCalledWith('lobby', 200, epoch);

    room.detach();
    history.head = 210;
    await room.attach(link);
    room.receive('', JSON.stringify(event(211)));
    expect([room.reader.jumps, room.log.countUnread(), read.mock.calls.length]).toEqual([1, 11, 1]);
  });

  it('stands before a full room as who was never in it, however much it has read ahead, and comes in when there is a place', async () => {
    let isFull = true;
    const door = { ...link, subscribe: async (topics: string | string[]) => (isFull && topics === 'rooms/lobby' ? 'refused' : 'granted') } as unknown as Link;
    const other = newRoom();
    other.readAhead();
    await other.attach(door);
    expect([other.phase, other.gone]).toEqual(['refused', null]);
    await other.askAgain();
    expect([other.phase, other.gone]).toEqual(['refused', null]);
    isFull = false;
    await other.askAgain();
    expect([other.phase, other.gone]).toEqual(['ready', null]);
    isFull = true;
    other.detach();
    await other.attach(door);
    expect([other.phase, other.gone]).toEqual(['refused', 'lost']);
    other.stop();
  });

  it('asks for nothing above when what is here was let go of while a page failed', async () => {
    history.status = 429;
    room.history.loadOlder();
    await vi.waitFor(() => expect(room.history.above.failures).toBe(1));
    history.status = 200;
    history.asked.length = 0;
    room.lose('removed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(history.asked).toEqual([]);
  });

  it('has nobody say hello, and keeps nobody quiet, where nobody writes any more', () => {
    const quietUntil = new Date(Date.now() + 60_000).toISOString();
    const rules = (more: object) => (room.room = { ...room.room!, role: 'owner', mine: true, rules: { quietUntil, ...more } });
    rules({});
    expect([room.words.emptyHint !== '', room.hosts, room.quiet]).toEqual([true, true, quietUntil]);
    rules({ archived: true });
    expect([room.words.emptyHint, room.hosts, room.quiet]).toEqual(['', false, null]);
    room.room = { ...room.room!, role: 'member', mine: false, rules: { posting: 'moderators' } };
    expect(room.words.emptyHint).toBe('');
  });

  it('nothing is asked or kept any more when nobody is signed in', async () => {
    history.status = 503;
    history.asked.length = 0;
    room.history.loadOlder();
    room.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(history.asked).toHaveLength(1);
  });

  it('goes on catching up until the last of its steps has ended, and what the connection before had asked for ends none', async () => {
    let answer!: () => void;
    let join!: (joined: Subscribed) => void;
    const page = new Promise<void>((resolve) => (answer = resolve));
    const joining = new Promise<Subscribed>((resolve) => (join = resolve));
    vi.stubGlobal('fetch', async (path: string) => {
      if (path.includes('after=200')) await page;
      return history.fetch(path);
    });
    history.head = 210;
    room.receive('', JSON.stringify(event(210)));
    expect(room.catchingUp).toBe(true);
    room.detach();
    expect(room.catchingUp).toBe(false);
    const next = { ...link, subscribe: (filters: string | string[]) => (filters === 'rooms/lobby' ? joining : Promise.resolve('granted')) } as unknown as Link;
    const attached = room.attach(next);
    answer();
    await vi.waitFor(() => expect(room.log.rows.at(room.log.rows.length - 1)!.order).toBe(210));
    await vi.advanceTimersByTimeAsync(100);
    // It is read, but not joined: nobody is told yet where the new begins.
    expect([room.catchingUp, room.reader.jumps]).toEqual([true, 0]);
    join('granted');
    await attached;
    expect([room.catchingUp, room.reader.jumps]).toEqual([false, 1]);
  });

  it('a refusal ends no step but its own: what was missed is still being read', async () => {
    let answer!: () => void;
    const page = new Promise<void>((resolve) => (answer = resolve));
    vi.stubGlobal('fetch', async (path: string) => {
      if (!path.includes('/events')) return Response.json({ code: 'not_found' }, { status: 404 });
      await page;
      return history.fetch(path);
    });
    room.receive('', JSON.stringify(event(210)));
    await room.readRoom();
    expect([room.phase, room.catchingUp]).toEqual(['refused', true]);
    answer();
    await vi.waitFor(() => expect(room.catchingUp).toBe(false));
  });

  it('P15: what my own bot says is news to me', async () => {
    room.receive('', JSON.stringify({ ...event(201, 'me'), from: { ...me, kind: 'bot' } }));
    room.receive('', JSON.stringify(event(202, 'me')));
    await vi.advanceTimersByTimeAsync(500);
    expect(room.unread).toBe(1);
  });

  it('follows what is done in the room: its rules, its name, and who may do what', async () => {
    await room.readRoom();
    const from = { user: 'ana', name: 'Ana', kind: 'person' };
    const act = (seq: number, more: object) => room.receive('', JSON.stringify({ v: 1, room: 'lobby', seq, epoch, id: `act-${seq}`, at: '2026-11-22T23:00:00Z', from, ...more }));
    act(201, { type: 'policy', title: 'The yard', posting: 'moderators' });
    expect([room.title, room.room?.rules?.posting, room.unread]).toEqual(['The yard', 'moderators', 0]);
    room.receive('info', JSON.stringify({ room: 'lobby', title: 'The yard', topic: '', people: 3, visibility: 'public' }));
    expect(room.room?.rules?.posting).toBe('moderators');

    act(202, { type: 'role', target: { user: 'bob', name: 'Bob', kind: 'person' }, role: 'moderator' });
    expect([room.roles.of('bob'), room.roles.of('ana')]).toEqual(['moderator', 'member']);
    history.role = 'owner';
    act(203, { type: 'role', target: me, role: 'owner' });
    await vi.waitFor(() => expect(room.room?.role).toBe('owner'));
    expect(room.roles.of('me')).toBe('owner');

    // What was on its way before is older, and the room is asked.
    history.role = 'member';
    room.described({ ...room.room!, role: 'moderator' }, 0);
    await vi.waitFor(() => expect(room.room?.role).toBe('member'));
    room.described({ ...room.room!, role: 'moderator' }, Date.now() + 1);
    expect(room.room?.role).toBe('moderator');
  });

  it('offers by the arrow up the last line that may still be changed, and not what the dice said after it', async () => {
    const change = vi.spyOn(room.composing, 'change').mockReturnValue();
    expect(room.changeLast()).toBe(false);
    room.receive('', JSON.stringify(event(201, 'me')));
    room.receive('', JSON.stringify({ ...event(202, 'me'), roll: { dice: '2d6', rolls: [4, 3], total: 7 } }));
    room.receive('', JSON.stringify({ ...event(203, 'me'), from: { ...me, kind: 'bot' } }));
    expect([room.changeLast(), change.mock.calls]).toEqual([true, [[201]]]);
  });

  it('stays unread from where the reader went back to, until they go away and come back', async () => {
    room.reader.markRead();
    await vi.advanceTimersByTimeAsync(400);
    expect(room.unread).toBe(0);
    room.goBack(190);
    room.reader.markRead();
    room.receive('', JSON.stringify(event(201)));
    await vi.advanceTimersByTimeAsync(400);
    expect([room.unread, room.log.line]).toEqual([11, 190]);
    room.reader.lookAway();
    room.reader.markRead();
    await vi.advanceTimersByTimeAsync(400);
    expect(room.unread).toBe(0);
  });
});
