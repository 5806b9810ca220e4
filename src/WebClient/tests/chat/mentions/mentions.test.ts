import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Link } from '../../../src/chat/link/link';
import { Mentions } from '../../../src/chat/mentions/mentions.svelte';
import type { Calling } from '../../../src/chat/model/calling';

const notice = (seq: number, of: number, room = 'lobby') => ({
  v: 1, type: 'mention', to: 'ana', seq, epoch: 'e', id: `n${seq}`, at: '2026-11-23T07:04:31.000Z', from: { user: 'bea', name: 'Béa', kind: 'person' }, of, room, excerpt: `hi @ana ${of}`,
});
const link = { subscribe: async () => 'granted' } as unknown as Link;
const positions = new Map<string, number>();
let heard: Calling[] = [];
let notices: object[] = [];
let read = 0;
const asked: string[] = [];
let mentions: Mentions;

beforeEach(() => {
  heard = [];
  asked.length = 0;
  positions.clear();
  positions.set('lobby', 0);
  [notices, read] = [[notice(1, 5), notice(2, 9)], 0];
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    asked.push(`${init?.method ?? 'GET'} ${path}`);
    if (init?.method === 'PUT') return Response.json({ seq: 2, epoch: 'e', unread: 0 });
    return Response.json({ epoch: 'e', head: 2, first: 1, from: 1, to: 2, read: { seq: read, epoch: 'e' }, unread: 2, events: notices });
  });
  mentions = new Mentions({ me: 'ana', positionIn: (room) => positions.get(room) ?? null, called: (calling) => heard.push(calling) });
});

afterEach(() => {
  mentions.stop();
  vi.unstubAllGlobals();
});

it('lists who called, the newest first, and calls for none of what was missed', async () => {
  await mentions.attach(link);
  expect(mentions.list.map(({ of }) => of)).toEqual([9, 5]);
  expect([mentions.unread, mentions.phase, mentions.hasMore, heard.length]).toEqual([2, 'ready', false, 0]);
});

it('puts what comes live on top, once, and calls for it', async () => {
  await mentions.attach(link);
  for (const seq of [2, 3, 3]) mentions.receive(notice(seq, 12));
  expect(mentions.list.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  expect(heard.map(({ of }) => of)).toEqual([12]);
  mentions.receive({ ...notice(4, 13), type: 'removed' });
  expect(mentions.list).toHaveLength(3);
});

it('takes for read what was read in its room, or in the list, and what is of no room of the reader any more', async () => {
  await mentions.attach(link);
  positions.set('lobby', 5);
  expect(mentions.list.map((calling) => mentions.isUnread(calling))).toEqual([true, false]);
  positions.delete('lobby');
  expect(mentions.list.map((calling) => mentions.isUnread(calling))).toEqual([false, false]);
  positions.set('lobby', 0);
  await mentions.readAll();
  expect(mentions.unread).toBe(0);
  await mentions.readAll();
  expect(asked.filter((one) => one.startsWith('PUT'))).toEqual(['PUT /api/notices/read']);
});

it('keeps nothing of what was deleted once it asks again', async () => {
  await mentions.attach(link);
  notices = [notice(2, 9)];
  await mentions.readNewest();
  expect(mentions.list.map(({ seq }) => seq)).toEqual([2]);
});

it('keeps what comes live while a page is on its way, also while that is the first', async () => {
  let answer!: () => void;
  const page = { epoch: 'e', head: 2, first: 1, from: 1, to: 2, read: { seq: 0, epoch: 'e' }, unread: 2, events: notices };
  vi.stubGlobal('fetch', () => new Promise((resolve) => (answer = () => resolve(Response.json(page)))));
  const first = mentions.attach(link);
  await vi.waitFor(() => expect(answer).toBeDefined());
  for (const seq of [2, 3]) mentions.receive(notice(seq, 12));
  answer();
  await first;
  expect(mentions.list.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  const again = mentions.readNewest();
  mentions.receive(notice(4, 13));
  answer();
  await again;
  expect(mentions.list.map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
});

it('shows nothing old to who opens the list, until the server has said how it is', async () => {
  await mentions.attach(link);
  vi.stubGlobal('fetch', async () => Response.json({}, { status: 503 }));
  const opening = mentions.open();
  expect([mentions.phase, mentions.unread]).toEqual(['loading', 2]);
  await opening;
  expect(mentions.phase).toBe('failed');
});

it('counts what is to be decided until the reader has looked at the list, in rooms that are read as in those that the reader is not in', async () => {
  positions.set('lobby', 100);
  const report = { ...notice(3, 9), type: 'report', excerpt: undefined };
  const answered = { ...notice(4, 0, 'shop'), type: 'requested', of: undefined, accepted: true, from: { user: '', name: '', kind: 'person' } };
  notices = [notice(1, 5), report, answered];
  await mentions.readNewest();
  expect(mentions.list.map(({ type, of, accepted }) => [type, of, accepted])).toEqual([['requested', 0, true], ['report', 9, undefined], ['mention', 5, undefined]]);
  expect(mentions.unread).toBe(2);
  await mentions.readAll();
  expect(mentions.unread).toBe(0);
});

it('keeps what moderators did to the reader, with its end and reason, until it was looked at, and of a room that the reader is put out of', async () => {
  positions.set('lobby', 100);
  const mute = { ...notice(3, 53), type: 'mute', excerpt: undefined, title: 'Chess club', until: '2026-11-23T07:20:00.000Z', reason: 'Too loud.' };
  notices = [notice(1, 5), mute];
  await mentions.attach(link);
  mentions.receive({ ...notice(4, 54), type: 'ban', excerpt: undefined, title: 'Chess club' });
  positions.delete('lobby');
  mentions.lose('rooms/lobby');
  expect(mentions.list.map(({ type, title, until, reason }) => [type, title, until, reason])).toEqual([
    ['ban', 'Chess club', undefined, undefined],
    ['mute', 'Chess club', '2026-11-23T07:20:00.000Z', 'Too loud.'],
  ]);
  expect(mentions.unread).toBe(2);
  await mentions.readAll();
  expect(mentions.unread).toBe(0);
});
