import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Link } from '../../../src/chat/link/link';
import type { Outbox } from '../../../src/chat/compose/outbox.svelte';
import type { LogReader } from '../../../src/chat/room/openLog.svelte';
import { IgnoredPeople } from '../../../src/chat/people/ignored.svelte';
import { RoomState } from '../../../src/chat/room/room.svelte';
import type { About } from '../../../src/store/store';

const canary = 'the canary sings';
const epoch = 'e';

function event(seq: number, type = 'message', more: object = {}) {
  return { v: 1, type, room: 'lobby', seq, epoch, id: `i${seq}`, at: '2026-11-22T23:00:00Z', from: { user: 'bob', name: 'Bob', kind: 'person' }, text: type === 'message' ? `${seq}` : '', ...more };
}

/** What the server has, by seq. */
const log: ReturnType<typeof event>[] = [];
let about: About | null;
/** In place of the next page around a message. */
let around: Promise<Response> | null = null;
const replaced = vi.fn();
let room: RoomState;

function page(events: typeof log) {
  return Response.json({ epoch, head: log.length, first: 1, events });
}

function say(type = 'message', more: object = {}) {
  log.push(event(log.length + 1, type, more));
  return log.at(-1)!;
}

/** The deletion of a message, with what it leaves in the log. */
function remove(of: number) {
  log[of - 1] = event(of, 'removed');
  return say('delete', { of });
}

const hear = (told: object) => room.receive('', JSON.stringify(told));
const link = { subscribe: async () => 'granted', unsubscribe() {}, publishLoosely() {} } as unknown as Link;
const shown = (rows: RoomState['log']['rows']) => JSON.stringify(rows.slice(0, rows.length));

beforeEach(async () => {
  vi.useFakeTimers();
  replaced.mockClear();
  [log.length, about, around] = [0, null, null];
  for (let seq = 1; seq <= 200; seq++) say();
  log[9] = event(10, 'message', { text: canary });
  vi.stubGlobal('fetch', async (path: string) => {
    const query = new URL(path, 'http://localhost').searchParams;
    if (!path.includes('/events')) return Response.json({ id: 'lobby', title: 'Lobby', head: log.length, member: true });
    const [after, middle, limit] = [query.get('after'), query.get('around'), Number(query.get('limit'))];
    if (middle !== null) return around ?? page(log.slice(0, 40));
    return page(after === null ? log.slice(-limit) : log.slice(Number(after), Number(after) + limit));
  });
  const user: LogReader = {
    me: 'me',
    author: () => ({ user: 'me', name: 'Me', kind: 'person' }),
    outbox: { lines: [], reached() {}, echoed() {}, gone: async () => {} } as unknown as Outbox,
    read() {},
    keep() {},
    listRead: Promise.resolve(),
    ignored: new IgnoredPeople(() => {}),
    drafts: { about: () => about, turn: (_topic, next) => void (about = next) },
    replaced,
  };
  room = new RoomState('lobby', user, null, Promise.resolve(null));
  await room.attach(link);
});

afterEach(() => {
  room.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('a message that was deleted while the machine slept stands in no other part of the log, in no banner and in no line that is said', async () => {
  room.goTo(10);
  await vi.waitFor(() => expect(shown(room.around!.log.rows)).toContain(canary));
  room.composing.answer(10);
  room.composing.look();
  hear(say('message', { text: canary }));
  expect(room.announced?.text).toBe(canary);
  await vi.waitFor(() => expect(room.composing.reply?.text).toBe(canary));
  room.detach();
  remove(10);
  remove(201);
  await room.attach(link);
  expect([room.announced, room.composing.reply?.text, room.composing.reply?.gone]).toEqual([null, null, true]);
  expect(shown(room.around!.log.rows)).not.toContain(canary);
  expect(replaced.mock.calls.map(([topic, { of }]) => [topic, of])).toEqual([['rooms/lobby', 10], ['rooms/lobby', 201]]);
});

it('the banner follows an edit of the message that it names, though that is not here', async () => {
  room.composing.answer(10);
  room.composing.look();
  await vi.waitFor(() => expect(room.composing.reply?.text).toBe(canary));
  hear(say('edit', { of: 10, text: 'it sang' }));
  expect(room.composing.reply?.text).toBe('it sang');
});

it('what was deleted while the first page of another part was on its way is not in it', async () => {
  const old = log.slice(0, 40);
  let answer!: (response: Response) => void;
  around = new Promise((resolve) => (answer = resolve));
  room.goTo(10);
  hear(remove(10));
  answer(Response.json({ epoch, head: 200, first: 1, events: old }));
  await vi.waitFor(() => expect(room.around!.phase).toBe('ready'));
  expect(shown(room.around!.log.rows)).not.toContain(canary);
  expect(room.around!.log.find(11)?.message.text).toBe('11');
});

it('who missed so much that nobody tells what was deleted sees nothing as it was', async () => {
  room.goTo(10);
  await vi.waitFor(() => expect(shown(room.around!.log.rows)).toContain(canary));
  room.composing.answer(10);
  room.composing.look();
  hear(say('message', { text: canary }));
  room.detach();
  remove(10);
  for (let more = 0; more < 600; more++) say();
  await room.attach(link);
  await vi.waitFor(() => expect(room.around!.phase).toBe('gone'));
  expect(room.announced).toBeNull();
  expect(shown(room.around!.log.rows)).not.toContain(canary);
  await vi.waitFor(() => expect(room.composing.reply).toMatchObject({ text: null, gone: true }));
});

it('an older page that was on its way while its message was deleted brings no words back, nor into the copy', async () => {
  const old = log.slice(100, 150);
  old[0] = event(101, 'message', { text: canary });
  let answer!: (response: Response) => void;
  const before = fetch;
  vi.stubGlobal('fetch', (path: string) => (path.includes('before=') ? new Promise((resolve) => (answer = resolve)) : before(path)));
  room.history.loadOlder();
  hear(remove(101));
  answer(Response.json({ epoch, head: 200, first: 1, events: old }));
  await vi.waitFor(() => expect(room.log.timeline.first).toBe(101));
  expect(JSON.stringify([room.log.timeline.events, room.log.copy(null)]) + shown(room.log.rows)).not.toContain(canary);
});
