import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LinkEvents, Subscribed } from '../../src/chat/link/link';

/** In place of the MQTT connection: grants whatever is asked, and is told by the test what the server says. */
class Wire {
  static newest: Wire | null = null;
  readonly events: LinkEvents;
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];

  constructor(_clientId: string, events: LinkEvents) {
    this.events = events;
    Wire.newest = this;
  }

  async subscribe(filters: string | string[]): Promise<Subscribed> {
    this.subscribed.push(...[filters].flat());
    return 'granted';
  }

  unsubscribe(filters: string[]): void {
    this.unsubscribed.push(...filters);
  }

  publishLoosely(): void {}
  close(): void {}
  abandon(): void {}

  says(rooms: unknown[], more = {}): void {
    this.events.message('users/ana/unread', JSON.stringify({ v: 1, type: 'unread', rooms, ...more }));
  }
}

vi.mock('../../src/chat/link/link', () => ({ Link: Wire }));

/** What a test has said that the server answers, by method and path; null: there is no answer. Else it answers 404. */
type Reply = { status: number; body?: unknown } | null;
const replies = new Map<string, () => Reply | Promise<Reply>>();
const asked: string[] = [];

const listeners = new Map<string, Set<() => void>>();
const me = { account: 'a1', user: 'ana', name: 'Ana', kind: 'person', email: null, administrator: false, sessionId: 's' } as const;
const listed = (id: string, member = false) => ({ id, title: id, topic: '', visibility: 'public', people: 0, member, mine: false });
const counted = (room: string) => ({ room, head: 9, epoch: 'e', seq: 5, unread: 1, bots: 0 });
/** The list of the account's own rooms; that of all others is empty here. */
const ownRooms = 'GET /api/rooms?mine=true&limit=200';
const count = (request: string) => asked.filter((one) => one === request).length;

function stubBrowser(): void {
  vi.stubGlobal('location', new URL('http://localhost/rooms/garden'));
  vi.stubGlobal('document', { hidden: false, visibilityState: 'visible', baseURI: 'http://localhost/', querySelector: () => null });
  vi.stubGlobal('navigator', { onLine: true, languages: ['en'] });
  vi.stubGlobal('history', { pushState: vi.fn(), replaceState: (_: null, __: string, address: string) => vi.stubGlobal('location', new URL(address, 'http://localhost/')) });
  vi.stubGlobal('addEventListener', (name: string, listener: () => void) => listeners.set(name, (listeners.get(name) ?? new Set()).add(listener)));
  vi.stubGlobal('removeEventListener', (name: string, listener: () => void) => listeners.get(name)?.delete(listener));
}

stubBrowser();
const { Chat } = await import('../../src/chat/chat.svelte');
const { Store } = await import('../../src/store/store');
let chat: InstanceType<typeof Chat>;

beforeEach(() => {
  stubBrowser();
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const request = `${init.method} ${path}`;
    asked.push(request);
    const reply = await (replies.get(request)?.() ?? { status: 404, body: {} });
    if (reply === null) throw new TypeError('no network');
    return new Response(reply.body === undefined ? null : JSON.stringify(reply.body), { status: reply.status });
  });
  replies.set('GET /api/rooms?limit=50', () => ({ status: 200, body: { rooms: [] } }));
  replies.set(ownRooms, () => ({ status: 200, body: { rooms: [listed('garden', true), listed('kitchen')] } }));
  replies.set('GET /api/rooms/garden', () => ({ status: 200, body: listed('garden', true) }));
  chat = new Chat(me);
});

afterEach(() => {
  chat.stop();
  replies.clear();
  asked.length = 0;
  listeners.clear();
  Wire.newest = null;
  vi.unstubAllGlobals();
});

/** With a connection that the server has confirmed, and these rooms as the account's. */
async function online(...rooms: string[]): Promise<Wire> {
  chat.start();
  await vi.waitFor(() => expect(Wire.newest).not.toBeNull());
  const wire = Wire.newest!;
  wire.events.opened();
  wire.says(rooms.map(counted), { all: true });
  await vi.waitFor(() => expect([chat.catchingUp, chat.directory.phase]).toEqual([false, 'ready']));
  return wire;
}

describe('Chat', () => {
  it('leaves a room by the answer to its call, and hears of it once', async () => {
    const wire = await online('garden');
    chat.visit('garden');
    replies.set('DELETE /api/rooms/garden/members/ana', () => ({ status: 204 }));
    expect((await chat.memberships.leave('garden')).ok).toBe(true);
    expect([chat.opened.has('garden'), location.pathname]).toEqual([false, '/rooms']);
    // It is come into again before the server has told of the leaving.
    chat.visit('garden');
    wire.says([{ room: 'garden', gone: 'left' }]);
    expect(chat.opened.has('garden')).toBe(true);
  });

  it('shows what moderators did to the reader in no notice: it stands among the mentions, in words of the page', async () => {
    const wire = await online('garden');
    for (const code of ['mute', 'unmute', 'kick', 'ban', 'unban']) {
      wire.events.message('users/ana', JSON.stringify({ v: 1, type: 'notice', code, text: 'Béa (bea) did it in Garden until 2026-12-01T00:29:40.661Z.', topic: 'rooms/garden' }));
    }
    expect(chat.notices).toEqual([]);
  });

  describe('S19: invitations', () => {
    const invitation = { room: 'den', title: 'The den', visibility: 'private', by: { user: 'bea', name: 'Bea', kind: 'person' }, at: '' };
    const invitedTo = (...invited: unknown[]) =>
      replies.set(ownRooms, () => ({ status: 200, body: { rooms: [listed('garden', true)], invited } }));
    const open = () => chat.directory.invited.map(({ room }) => room);

    it('shows one among the rooms as soon as it is told, and no notice beside it', async () => {
      const wire = await online('garden');
      expect(open()).toEqual([]);
      invitedTo(invitation);
      wire.events.message('users/ana', JSON.stringify({ v: 1, type: 'notice', code: 'invited', text: 'Bea invites you', topic: 'rooms/den' }));
      await vi.waitFor(() => expect(open()).toEqual(['den']));
      expect(chat.notices).toEqual([]);
      wire.events.message('users/ana', JSON.stringify({ v: 1, type: 'notice', code: 'busy', text: 'Send it again later', topic: 'rooms/garden' }));
      expect(chat.notices.map(({ notice }) => notice.code)).toEqual(['busy']);
    });

    it('goes into the room that is accepted', async () => {
      invitedTo(invitation);
      await online('garden');
      replies.set('PUT /api/rooms/den/members/me', () => ({ status: 204 }));
      invitedTo();
      expect((await chat.memberships.accept('den')).ok).toBe(true);
      expect(open()).toEqual([]);
      expect(vi.mocked(history.pushState).mock.lastCall?.[2]).toBe('/rooms/den');
    });

    it('keeps one that could not be answered, and drops one that is over', async () => {
      invitedTo(invitation);
      await online('garden');
      replies.set('DELETE /api/rooms/den/members/me', () => ({ status: 503, body: {} }));
      expect((await chat.memberships.decline('den')).ok).toBe(false);
      expect(open()).toEqual(['den']);
      replies.set('DELETE /api/rooms/den/members/me', () => ({ status: 404, body: {} }));
      expect((await chat.memberships.decline('den')).ok).toBe(true);
      expect(open()).toEqual([]);
    });
  });

  describe('copies', () => {
    const store = new Store();
    const copy = (topic: string) => store.keepCopy({ account: me.account, topic, epoch: 'e', oldest: 1, events: [], read: null, room: null });
    const copied = async () => (await store.copied(me.account)).filter((topic) => topic.includes('/'));
    const talks = (...users: string[]) =>
      replies.set('GET /api/conversations?limit=50', () => ({ status: 200, body: { conversations: users.map((user) => ({ user, name: user, kind: 'person', at: '', head: 1, epoch: 'e' })) } }));

    it('are kept of rooms and conversations that the account has by now, and of no others', async () => {
      for (const topic of ['rooms/garden', 'rooms/den', 'users/bea', 'users/beas-old-name']) await copy(topic);
      talks('bea');
      await online('garden');
      await vi.waitFor(async () => expect(await copied()).toEqual(['rooms/garden', 'users/bea']));
    });

    it('of whom one ignores there is none, and what was open of it is let go of when it is in sight no more', async () => {
      await copy('users/bea');
      talks('bea', 'caio');
      replies.set('PUT /api/ignored/bea', () => ({ status: 204 }));
      await online('garden');
      chat.visit(null, 'bea');
      const [stopped, open] = [vi.fn(), chat.talks.get('bea')!];
      open.stop = stopped;
      await chat.ignored.ignore({ user: 'bea', name: 'Bea' });
      expect([stopped.mock.calls.length, chat.talks.current]).toEqual([0, open]);
      await vi.waitFor(async () => expect(await copied()).not.toContain('users/bea'));
      chat.visit(null, 'caio');
      expect([stopped.mock.calls.length, chat.talks.has('bea')]).toEqual([1, false]);
    });
  });

  it('reads what was said with somebody who is erased, and tells the server so over HTTP', async () => {
    const said = { type: 'message', with: 'bea', seq: 1, epoch: 'e', id: 'x', at: '', from: { user: 'bea', name: 'Bea', kind: 'person' }, text: 'hi' };
    const read = { seq: 0, epoch: 'e' };
    replies.set('GET /api/conversations?limit=50', () => ({ status: 200, body: { conversations: [{ user: 'bea', gone: true, at: '', head: 1, epoch: 'e', read, unread: 1 }] } }));
    replies.set('GET /api/conversations/bea/events?limit=50', () => ({ status: 200, body: { epoch: 'e', head: 1, first: 1, events: [said], read, unread: 1 } }));
    replies.set('PUT /api/conversations/bea/read', () => ({ status: 200, body: { seq: 1, epoch: 'e', unread: 0 } }));
    await online('garden');
    chat.visit(null, 'bea');
    await vi.waitFor(() => expect(chat.talks.get('bea')!.phase).toBe('ready'));
    await vi.waitFor(() => expect(chat.catchingUp).toBe(false));
    chat.talks.get('bea')!.reader.markRead();
    await vi.waitFor(() => expect(count('PUT /api/conversations/bea/read')).toBe(1));
  });

  it('goes out of a room that was left, also when the answer to its call is lost', async () => {
    const wire = await online('garden');
    chat.visit('garden');
    replies.set('DELETE /api/rooms/garden/members/ana', () => {
      wire.says([{ room: 'garden', gone: 'left' }]);
      return null;
    });
    expect((await chat.memberships.leave('garden')).ok).toBe(true);
    expect([chat.opened.has('garden'), location.pathname]).toEqual([false, '/rooms']);
  });

  it('stays in a room when leaving it came to nothing, and leaves it when that is told later', async () => {
    const wire = await online('garden');
    chat.visit('garden');
    replies.set('DELETE /api/rooms/garden/members/ana', () => null);
    expect((await chat.memberships.leave('garden')).ok).toBe(false);
    expect(chat.opened.has('garden')).toBe(true);
    wire.says([{ room: 'garden', gone: 'left' }]);
    expect(chat.opened.has('garden')).toBe(false);
  });

  it('ends its rooms with itself, and does nothing more with what is answered later', async () => {
    await online('garden');
    chat.visit('garden');
    const ended = vi.fn();
    chat.opened.get('garden')!.stop = ended;
    let answer!: (reply: Reply) => void;
    replies.set('DELETE /api/rooms/garden/members/ana', () => new Promise((resolve) => (answer = resolve)));
    const leaving = chat.memberships.leave('garden');
    chat.stop();
    expect(ended).toHaveBeenCalledOnce();
    answer({ status: 204 });
    await leaving;
    expect(location.pathname).toBe('/rooms/garden');
    const before = asked.length;
    await chat.directory.read();
    expect(asked.length).toBe(before);
  });

  it('stops while the server still confirms whose connection it is, and comes into no room', async () => {
    chat.start();
    chat.visit('garden');
    await vi.waitFor(() => expect(Wire.newest).not.toBeNull());
    const wire = Wire.newest!;
    wire.events.opened();
    await vi.waitFor(() => expect(wire.subscribed).toContain('users/ana/unread'));
    expect(chat.catchingUp).toBe(true);
    chat.stop();
    wire.says([counted('garden')], { all: true });
    await new Promise((resolve) => setTimeout(resolve));
    expect(wire.subscribed.filter((topic) => topic.startsWith('rooms/'))).toEqual([]);
  });

  it('takes all rooms of one statement into the list in one pass', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `room${index}`);
    replies.set(ownRooms, () => ({ status: 200, body: { rooms: [listed('garden', true), ...many.map((id) => listed(id))] } }));
    const wire = await online('garden');
    const known = chat.directory.rooms;
    wire.says([counted('garden')]);
    expect(chat.directory.rooms).toBe(known);
    const walks = vi.fn();
    for (const method of ['map', 'find'] as const) {
      const original = Array.prototype[method] as (...args: unknown[]) => unknown;
      vi.spyOn(Array.prototype, method).mockImplementation(function (this: unknown[], ...args: unknown[]) {
        if (this === chat.directory.rooms) walks();
        return original.apply(this, args) as never;
      });
    }
    wire.says(many.map(counted));
    vi.restoreAllMocks();
    expect(chat.directory.rooms.every((room) => room.member)).toBe(true);
    expect(walks.mock.calls.length).toBeLessThan(5);
  });

  it('lets in again where the room had found out by itself that it was lost', async () => {
    const wire = await online('garden');
    chat.visit('garden');
    chat.opened.get('garden')!.lose('lost');
    wire.says([{ room: 'garden', gone: 'removed' }]);
    expect(chat.opened.get('garden')!.gone).toBe('lost');
    wire.says([counted('garden')]);
    expect(chat.opened.get('garden')!.gone).toBe(null);
  });

  describe('A2: a guest whose server was started anew, which knows none of his public rooms', () => {
    const event = { type: 'message', room: 'garden', seq: 1, epoch: 'e', id: 'x', at: '', from: { user: 'bea', name: 'Bea', kind: 'person' }, text: 'hi' };
    const mineNow = () => chat.directory.rooms.filter((room) => room.member).map((room) => room.id);

    beforeEach(() => {
      chat = new Chat({ ...me, kind: 'guest' });
      replies.set(ownRooms, () => ({ status: 200, body: { rooms: [listed('garden', true), listed('kitchen', true), { ...listed('den', true), visibility: 'private' }] } }));
      for (const query of ['limit=50', 'after=1&limit=500'])
        replies.set(`GET /api/rooms/garden/events?${query}`, () => ({ status: 200, body: { epoch: 'e', head: 1, first: 1, events: [event] } }));
    });

    /** In the garden, which is open, and in the kitchen and the den, which are not; then the server is started anew. */
    async function restarted(): Promise<Wire> {
      const before = await online('garden', 'kitchen', 'den');
      chat.visit('garden');
      await vi.waitFor(() => expect(chat.opened.get('garden')!.phase).toBe('ready'));
      replies.set(ownRooms, () => ({ status: 200, body: { rooms: [listed('garden'), listed('kitchen')] } }));
      before.events.closed(false);
      chat.connection.retryNow();
      await vi.waitFor(() => expect(Wire.newest).not.toBe(before));
      const wire = Wire.newest!;
      wire.events.opened();
      return wire;
    }

    it('comes back into them unnoticed, with what he has still to say, and is out of a private one', async () => {
      replies.set('PUT /api/rooms/kitchen/members/me', () => ({ status: 204 }));
      const givenUp = vi.spyOn(chat.outbox, 'giveUp');
      const wire = await restarted();
      wire.says([], { all: true });
      await vi.waitFor(() => expect(wire.subscribed).toContain('rooms/garden'));
      await vi.waitFor(() => expect(count('PUT /api/rooms/kitchen/members/me')).toBe(1));
      expect([chat.opened.get('garden')!.gone, chat.memberships.farewells, mineNow()]).toEqual([null, [], ['garden', 'kitchen']]);
      expect(givenUp.mock.calls).toEqual([['rooms/den']]);
    });

    it('loses one that is not open to him any more, and nothing more is sent there', async () => {
      replies.set('PUT /api/rooms/kitchen/members/me', () => ({ status: 204 }));
      const givenUp = vi.spyOn(chat.outbox, 'giveUp');
      const wire = await restarted();
      wire.subscribe = async (filters) => ([filters].flat().some((filter) => filter.startsWith('rooms/garden')) ? 'refused' : 'granted');
      wire.says([], { all: true });
      await vi.waitFor(() => expect(chat.opened.get('garden')!.gone).toBe('lost'));
      await vi.waitFor(() => expect(givenUp.mock.calls).toContainEqual(['rooms/garden']));
      expect(mineNow()).not.toContain('garden');
    });

    it('loses one that he was taken off, as soon as it is told', async () => {
      replies.set('PUT /api/rooms/kitchen/members/me', () => ({ status: 204 }));
      const wire = await restarted();
      wire.says([{ room: 'garden', gone: 'removed' }]);
      wire.says([], { all: true });
      await vi.waitFor(() => expect(count('PUT /api/rooms/kitchen/members/me')).toBe(1));
      expect(chat.opened.get('garden')!.gone).toBe('removed');
      expect(wire.subscribed).not.toContain('rooms/garden');
    });
  });

  it('offers a public room that it was put out of again when it is one of too many for the list to name', async () => {
    const wire = await online('garden');
    chat.visit('garden');
    await vi.waitFor(() => expect(chat.opened.get('garden')?.room?.visibility).toBe('public'));
    wire.says([{ room: 'garden', gone: 'removed' }]);
    replies.set(ownRooms, () => ({ status: 200, body: { rooms: [] } }));
    await chat.directory.read();
    expect([chat.directory.find('garden'), chat.memberships.mayComeBack('garden')]).toEqual([null, true]);
  });

  it('an account is out of a public room that the server does not name any more', async () => {
    const before = await online('garden', 'kitchen');
    before.events.closed(false);
    chat.connection.retryNow();
    await vi.waitFor(() => expect(Wire.newest).not.toBe(before));
    Wire.newest!.events.opened();
    Wire.newest!.says([counted('garden')], { all: true });
    await vi.waitFor(() => expect([...chat.directory.mine]).toEqual(['garden']));
    expect(count('PUT /api/rooms/kitchen/members/me')).toBe(0);
  });

  it('asks for a list that did not come again at once when told to, one call at a time', async () => {
    let answer: ((reply: Reply) => void) | null = null;
    replies.set(ownRooms, () => null);
    chat.start();
    await vi.waitFor(() => expect(chat.directory.phase).toBe('failed'));
    expect(chat.directory.retry.failures).toBe(1);
    replies.set(ownRooms, () => new Promise((resolve) => (answer = resolve)));
    const before = count(ownRooms);
    chat.directory.retry.retryNow();
    chat.directory.retry.retryNow();
    await vi.waitFor(() => expect(answer).not.toBeNull());
    expect(count(ownRooms)).toBe(before + 1);
    answer!({ status: 200, body: { rooms: [listed('garden')] } });
    await vi.waitFor(() => expect(chat.directory.phase).toBe('ready'));
    expect([chat.directory.rooms.map((room) => room.id), chat.directory.retry.failures]).toEqual([['garden'], 0]);
  });

  it('reads the list once more, and once only, when it is asked for while it is read', async () => {
    await online('garden');
    const answers: ((reply: Reply) => void)[] = [];
    replies.set(ownRooms, () => new Promise((resolve) => answers.push(resolve)));
    const before = count(ownRooms);
    const read = Promise.all([chat.directory.read(), chat.directory.read(), chat.directory.read()]);
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    answers[0]!({ status: 200, body: { rooms: [] } });
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]!({ status: 200, body: { rooms: [listed('kitchen')] } });
    await read;
    expect(count(ownRooms)).toBe(before + 2);
    expect(chat.directory.rooms.map((room) => room.id)).toEqual(['kitchen']);
  });
});
