import { describe, expect, it } from 'vitest';
import { Fold, type MessageRow, type Row } from '../../../src/chat/room/fold';
import type { PresenceRow } from '../../../src/chat/room/presence';
import type { Line } from '../../../src/chat/compose/outbox.svelte';
import type { RoomEvent } from '../../../src/chat/model/protocol';

// Two o'clock sharp: the ten minutes of the clock begin here.
const start = new Date(2026, 10, 22, 14).getTime();
const me = { user: 'me', name: 'me', kind: 'person' as const };

function event(seq: number, type: string, user: string, minutes: number, more: Partial<RoomEvent> = {}): RoomEvent {
  const at = new Date(start + minutes * 60_000).toISOString();
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at, from: { user, name: user, kind: 'person' }, text: '', replyTo: null, of: null, emoji: '', ...more };
}

function line(id: string, minutes: number): Line {
  return { account: 'a', topic: 'rooms/lobby', id, text: id, replyTo: null, at: start + minutes * 60_000, refusal: null, order: 1, state: 'waiting', logged: null };
}

function folded(events: RoomEvent[], readUpTo: number | null = null): Fold {
  const fold = new Fold(() => me);
  fold.setLine(readUpTo);
  fold.append(events);
  return fold;
}

const all = (fold: Fold): Row[] => fold.rows.slice(0, fold.rows.length);
const kinds = (fold: Fold) => all(fold).map((row) => (row.kind === 'message' ? (row.first ? 'first' : 'more') : row.kind));
const presence = (fold: Fold) => all(fold).filter((row): row is PresenceRow => row.kind === 'presence' && row.came.length + row.left.length > 0);
const messages = (fold: Fold) => all(fold).filter((row): row is MessageRow => row.kind === 'message');

describe('Fold', () => {
  it('groups what one author says within five minutes', () => {
    expect(kinds(folded([event(1, 'message', 'ana', 0), event(2, 'message', 'ana', 4), event(3, 'message', 'bob', 5), event(4, 'message', 'ana', 5), event(5, 'message', 'ana', 9.9), event(6, 'message', 'ana', 15)]))).toEqual([
      'day', 'first', 'more', 'first', 'first', 'more', 'first',
    ]);
  });

  it('P27: a talkative bot has its name above it again every ten minutes', () => {
    const bot = { user: 'bot', name: 'Bot', kind: 'bot' as const };
    const fold = folded(Array.from({ length: 60 }, (_, index) => event(index + 1, 'message', 'bot', index, { from: bot })));
    expect(messages(fold).filter((row) => row.first).map((row) => row.order)).toEqual([1, 11, 21, 31, 41, 51]);
  });

  it('keeps apart what a person says and what their bot says', () => {
    const bot = { user: 'ana', name: 'ana', kind: 'bot' as const };
    expect(kinds(folded([event(1, 'message', 'ana', 0), event(2, 'message', 'ana', 1, { from: bot })]))).toEqual(['day', 'first', 'first']);
  });

  it('folds comings and goings between two messages into one line', () => {
    const fold = folded([event(1, 'message', 'ana', 0), event(2, 'join', 'bob', 1), event(3, 'join', 'caio', 1), event(4, 'leave', 'dora', 2), event(5, 'message', 'ana', 3)]);
    expect(kinds(fold)).toEqual(['day', 'first', 'presence', 'first']);
    expect(presence(fold)[0]!.came.map((author) => author.user)).toEqual(['bob', 'caio']);
    expect(presence(fold)[0]!.left.map((author) => author.user)).toEqual(['dora']);
  });

  it('draws no line that an earlier page sent and the log has', () => {
    const fold = folded([event(1, 'message', 'me', 0, { id: 'x', text: 'x' })]);
    fold.setWaiting([line('x', 0), line('y', 1)]);
    expect(messages(fold).map((row) => row.key)).toEqual(['m-1', 'own-y']);
  });

  it('names everybody of a rush', () => {
    const others = [{ user: 'caio', name: 'Caio', kind: 'guest' as const }];
    expect(presence(folded([event(1, 'leave', 'bob', 0, { others })]))[0]!.left.map((author) => author.user)).toEqual(['bob', 'caio']);
  });

  it('says nothing of somebody who was away for a moment, and goes on with the group', () => {
    const fold = folded([event(1, 'message', 'ana', 0), event(2, 'leave', 'bob', 1), event(3, 'join', 'bob', 1), event(4, 'message', 'ana', 2)]);
    expect(presence(fold)).toEqual([]);
    expect(messages(fold).map((row) => row.first)).toEqual([true, false]);
  });

  it('says nothing of somebody who came and went: nobody has seen them come', () => {
    expect(presence(folded([event(1, 'join', 'bob', 1), event(2, 'leave', 'bob', 2)]))).toEqual([]);
    const rows = presence(folded([event(1, 'join', 'bob', 1), event(2, 'join', 'caio', 1), event(3, 'leave', 'bob', 2), event(4, 'leave', 'dora', 2)]));
    expect(rows[0]).toMatchObject({ came: [{ user: 'caio' }], left: [{ user: 'dora' }] });
  });

  it('says of who was put out that they were, and not that they left', () => {
    const out = (seq: number, user: string, type = 'kick') => event(seq, type, 'ana', 1, { target: { user, name: user, kind: 'person' } });
    const fold = folded([out(1, 'bob'), event(2, 'leave', 'bob', 1), out(3, 'caio', 'ban'), out(4, 'dora'), event(5, 'leave', 'caio', 1, { others: [{ user: 'eva', name: 'eva', kind: 'person' }, { user: 'dora', name: 'dora', kind: 'person' }] })]);
    expect(presence(fold).map((row) => row.left.map(({ user }) => user))).toEqual([['eva']]);
    fold.append([event(6, 'join', 'dora', 2), event(7, 'message', 'dora', 3), event(8, 'leave', 'dora', 4)]);
    expect(presence(fold).map((row) => [row.came.map(({ user }) => user), row.left.map(({ user }) => user)])).toEqual([[['dora'], ['eva']], [[], ['dora']]]);
  });

  it('draws a line for a role that was given and for a change of the room, and none for what people do not understand', () => {
    const target = { user: 'bob', name: 'Bob', kind: 'person' as const };
    const acts = [event(2, 'role', 'ana', 1, { target, role: 'moderator' }), event(3, 'policy', 'ana', 1, { posting: 'moderators' }), event(4, 'policy', 'ana', 1), event(5, 'role', 'ana', 1)];
    const fold = folded([event(1, 'message', 'ana', 0), ...acts, event(6, 'message', 'ana', 2)], 1);
    expect(kinds(fold)).toEqual(['day', 'first', 'act', 'act', 'unread', 'first']);
    fold.dropBefore(3);
    fold.prepend([event(1, 'message', 'ana', 0), acts[0]!]);
    expect(kinds(fold)).toEqual(['day', 'first', 'act', 'act', 'unread', 'first']);
  });

  it('sets days apart', () => {
    expect(kinds(folded([event(1, 'message', 'ana', 0), event(2, 'message', 'ana', 24 * 60)]))).toEqual(['day', 'first', 'day', 'first']);
  });

  it('marks the first unread message, not the joins before it', () => {
    expect(kinds(folded([event(1, 'message', 'ana', 0), event(2, 'join', 'bob', 1), event(3, 'message', 'bob', 2), event(4, 'message', 'bob', 3)], 1))).toEqual(['day', 'first', 'presence', 'unread', 'first', 'more']);
  });

  it('moves the line and takes it away, and the groups close again', () => {
    const fold = folded([event(1, 'message', 'ana', 0), event(2, 'message', 'ana', 1), event(3, 'message', 'ana', 2)], 1);
    expect(kinds(fold)).toEqual(['day', 'first', 'unread', 'first', 'more']);
    fold.setLine(2);
    expect(kinds(fold)).toEqual(['day', 'first', 'more', 'unread', 'first']);
    fold.setLine(null);
    expect(kinds(fold)).toEqual(['day', 'first', 'more', 'more']);
    fold.setLine(3);
    expect(kinds(fold)).toEqual(['day', 'first', 'more', 'more']);
    fold.append([event(4, 'message', 'bob', 3)]);
    expect(kinds(fold)).toEqual(['day', 'first', 'more', 'more', 'unread', 'first']);
  });

  it('draws no second line when the first was let go of', () => {
    const fold = folded([1, 2, 3, 4, 5].map((seq) => event(seq, 'message', 'ana', seq)), 1);
    fold.dropBefore(4);
    expect(kinds(fold)).toEqual(['day', 'first', 'more']);
    fold.append([event(6, 'message', 'ana', 6)]);
    expect(kinds(fold)).toEqual(['day', 'first', 'more', 'more']);
  });

  it('lets go of half a line of comings and goings, so that reading back brings no key twice', () => {
    const joins = [1, 2, 3, 4].map((seq) => event(seq, 'join', `u${seq}`, seq));
    const fold = folded([...joins, event(5, 'message', 'ana', 5)]);
    fold.dropBefore(3);
    expect(presence(fold).map((row) => row.events.map((one) => one.seq))).toEqual([[3, 4]]);
    fold.prepend(joins.slice(0, 2));
    const keys = all(fold).map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(presence(fold)[0]!.came.map((one) => one.user)).toEqual(['u1', 'u2', 'u3', 'u4']);
  });

  it('draws nothing for types that it does not know', () => {
    expect(all(folded([event(1, 'reaction', 'ana', 0, { of: 7 }), event(2, 'sticker', 'ana', 1)]))).toEqual([]);
  });

  it('shows a message as it was edited, whichever of the two was read first', () => {
    const edit = event(2, 'edit', 'ana', 1, { of: 1, text: 'hello' });
    const late = folded([edit]);
    late.prepend([event(1, 'message', 'ana', 0, { text: 'helo' })]);
    expect(messages(late)[0]!.message.text).toBe('hello');
    expect(messages(folded([event(1, 'message', 'ana', 0, { text: 'helo' }), edit]))[0]!.message.text).toBe('hello');
  });

  it('draws anew only the message that was edited', () => {
    const fold = folded([event(1, 'message', 'ana', 0), event(2, 'message', 'ana', 1), event(3, 'message', 'ana', 2)]);
    const before = all(fold);
    fold.append([event(4, 'edit', 'ana', 3, { of: 2, text: 'new' })]);
    expect(all(fold).map((row, index) => row === before[index])).toEqual([true, true, false, true]);
  });

  it('P29: what I wrote keeps its key and its place from the moment it is written', () => {
    const fold = folded([event(1, 'message', 'ana', 0)]);
    fold.setWaiting([line('x', 1), line('y', 1)]);
    const [x, y] = all(fold).slice(-2) as MessageRow[];
    expect([x!.first, y!.first]).toEqual([true, false]);
    fold.append([event(2, 'message', 'me', 1, { id: 'x', from: me })]);
    const rows = messages(fold);
    expect(rows.map((row) => row.key)).toEqual(['m-1', x!.key, y!.key]);
    expect(rows.map((row) => row.first)).toEqual([true, true, false]);
    expect(rows.map((row) => row.line === null)).toEqual([true, true, false]);
  });

  it('has no key twice when an id is used again, by others or by me', () => {
    const fold = folded([]);
    fold.setWaiting([line('x', 0)]);
    fold.append([event(1, 'message', 'ana', 0, { id: 'x' }), event(2, 'message', 'me', 0, { id: 'x', from: me }), event(3, 'message', 'me', 0, { id: 'x', from: me })]);
    const keys = all(fold).map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('P3: what arrives leaves the rows above it as they are', () => {
    const fold = folded(Array.from({ length: 1_000 }, (_, index) => event(index + 1, 'message', `user${index % 3}`, index / 60)));
    const before = all(fold);
    fold.append([event(1_001, 'message', 'ana', 17), event(1_002, 'join', 'bob', 17)]);
    expect(all(fold).slice(0, before.length).every((row, index) => row === before[index])).toBe(true);
  });

  it('P3: a page read above changes at most the row that it meets', () => {
    const events = Array.from({ length: 400 }, (_, index) => event(index + 1, 'message', index % 7 < 5 ? 'ana' : 'bob', index / 30));
    const fold = folded(events.slice(300));
    const before = all(fold);
    fold.prepend(events.slice(200, 300));
    const kept = new Set(all(fold));
    // The day stands further above now, and the first message may go on with what was said before it.
    expect(before.filter((row) => !kept.has(row)).length).toBeLessThanOrEqual(2);
  });

  it('P3: a line of comings and goings has an end, so that one more costs no more', () => {
    const fold = folded(Array.from({ length: 500 }, (_, index) => event(index + 1, 'join', `u${index}`, 0)));
    expect(presence(fold).every((row) => row.events.length <= 50)).toBe(true);
    expect(presence(fold).reduce((sum, row) => sum + row.came.length, 0)).toBe(500);
  });

  it('is the same however the run was read: at once, line by line, or backwards by pages', () => {
    // A linear congruential generator: the same cases each time.
    let seed = 1;
    const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    const shape = (fold: Fold) =>
      all(fold).map((row) => {
        if (row.kind === 'message') return [row.kind, row.order, row.first, row.message.text, row.message.deleted];
        if (row.kind === 'presence') return [row.kind, row.came.map((one) => one.user).sort(), row.left.map((one) => one.user).sort()];
        return [row.kind, row.kind === 'day' ? new Date(row.at).toDateString() : row.order];
      });
    for (let round = 0; round < 300; round++) {
      let minutes = next(600);
      const events = Array.from({ length: 1 + next(40) }, (_, index) => {
        minutes += next(20) === 0 ? next(2_000) : next(5);
        const type = ['message', 'message', 'message', 'join', 'leave', 'edit', 'delete', 'sticker', 'kick'][next(9)]!;
        const of = type === 'edit' || type === 'delete' ? 1 + next(index + 1) : null;
        const target = { user: ['ana', 'bob'][next(2)]!, name: 'x', kind: 'person' as const };
        return event(index + 1, type, ['ana', 'bob'][next(2)]!, minutes, { of, text: `${index}`, ...(type === 'kick' && { target }) });
      });
      const read = next(3) === 0 ? null : next(events.length + 1);
      const whole = shape(folded(events, read));
      const cut = next(events.length + 1);
      const parts = folded([], read);
      for (const one of events.slice(cut)) parts.append([one]);
      for (let end = cut; end > 0; ) {
        const from = Math.max(0, end - 1 - next(6));
        parts.prepend(events.slice(from, end));
        end = from;
      }
      expect(shape(parts), `round ${round}`).toEqual(whole);
      const keys = all(parts).map((row) => row.key);
      expect(new Set(keys).size).toBe(keys.length);
      const orders = all(parts).map((row) => row.order);
      expect(orders).toEqual(orders.toSorted((a, b) => a - b));
      parts.setLine(null);
      expect(shape(parts)).toEqual(shape(folded(events)));
    }
  });

  it('P28: what was refused is one small row at the end when it is much, and what others say stands right above it', () => {
    const refused = (id: string, minutes: number): Line => ({ ...line(id, minutes), state: 'failed', refusal: { code: 0x97, text: '' } });
    const fold = folded([event(1, 'message', 'ana', 0)]);
    fold.setWaiting([refused('a', 1), refused('b', 2), line('c', 3)]);
    expect(kinds(fold)).toEqual(['day', 'first', 'first', 'more', 'more']);

    fold.setWaiting([refused('a', 1), refused('b', 2), line('c', 3), refused('d', 4)]);
    expect(kinds(fold)).toEqual(['day', 'first', 'first', 'failed']);
    expect(messages(fold).at(-1)!.key).toBe('own-c');
    fold.append([event(2, 'message', 'ana', 5)]);
    expect(messages(fold).map((row) => row.key)).toEqual(['m-1', 'm-2', 'own-c']);
    const last = all(fold).at(-1)!;
    expect(last.kind === 'failed' && last.lines.map((one) => one.id)).toEqual(['a', 'b', 'd']);

    // Tried again, they wait in their order.
    fold.setWaiting([line('a', 1), line('b', 2), line('c', 3), line('d', 4)]);
    expect(messages(fold).map((row) => row.key)).toEqual(['m-1', 'm-2', 'own-a', 'own-b', 'own-c', 'own-d']);
  });
});
