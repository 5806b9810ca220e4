import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Outbox } from '../../../src/chat/compose/outbox.svelte';
import type { RoomEvent } from '../../../src/chat/model/protocol';
import { RoomLog } from '../../../src/chat/room/roomLog.svelte';

const canary = 'the canary sings';
const author = (user: string) => ({ user, name: user, kind: 'person' as const });

function event(seq: number, type: string, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: '2026-11-22T23:00:00Z', from: author('ana'), text: '', replyTo: null, of: null, emoji: '', ...more };
}

const gone: number[] = [];
const kept: boolean[] = [];
let log: RoomLog;

beforeEach(() => {
  vi.useFakeTimers();
  gone.length = kept.length = 0;
  log = new RoomLog({
    me: 'me',
    topic: 'rooms/lobby',
    author: () => author('me'),
    outbox: { lines: [], reached() {}, echoed() {}, gone: async (_topic: string, of: number) => void gone.push(of) } as unknown as Outbox,
    met() {},
    keep: (now) => kept.push(now),
  });
  const events = [event(1, 'message', { text: canary }), event(2, 'edit', { of: 1, text: `${canary}!` }), event(3, 'message', { replyTo: 1, text: 'yes', quote: { user: 'ana', text: canary } })];
  log.addNewer({ epoch: 'e', head: 3, first: 1, events });
  log.phase = 'ready';
});

afterEach(() => {
  log.stop();
  vi.useRealTimers();
});

it('a deleted text is in no copy and in no memory of the page, and the copy is written at once', () => {
  log.seen.readUpTo(0, 'e');
  expect(log.countUnread()).toBe(2);
  expect(JSON.stringify(log.copy(null))).toContain('canary');
  log.receive(event(4, 'delete', { of: 1, from: author('bea') }));
  expect(kept.at(-1)).toBe(true);
  expect(JSON.stringify([log.copy(null), log.timeline.events, log.rows.slice(0, 99), log.quoteOf(log.find(3)!.message)])).not.toContain('canary');
  expect(log.find(1)?.message).toMatchObject({ deleted: true, by: { user: 'bea' } });
  expect(gone).toEqual([1]);
  expect(log.countUnread()).toBe(1);
});

it('of an edited text the newest is kept alone', () => {
  log.receive(event(4, 'edit', { of: 1, text: 'new' }));
  expect(JSON.stringify([log.copy(null), log.rows.slice(0, 99)])).not.toContain('canary');
  expect(log.find(1)?.message.text).toBe('new');
});

it('what an earlier visit knew of reactions and edits is known again', () => {
  const reactions = [{ emoji: '👍', count: 30, users: [author('bob')], mine: true }];
  log.receive(event(4, 'message', { text: 'liked', reactions, edited: { seq: 4, at: 'then' } }));
  const copy = log.copy(null)!;
  const next = new RoomLog({ me: 'me', topic: 'rooms/lobby', author: () => author('me'), outbox: { lines: [], reached() {}, echoed() {} } as unknown as Outbox, met() {}, keep() {} });
  expect(next.restore({ ...copy, account: 'a' })).toBe(true);
  expect(next.find(4)?.message).toMatchObject({ reactions, editedAt: 'then' });
  next.stop();
});
