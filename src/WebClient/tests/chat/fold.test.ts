import { describe, expect, it } from 'vitest';
import { fold, type Item } from '../../src/chat/fold';
import type { RoomEvent } from '../../src/chat/protocol';

const noon = new Date(2026, 10, 22, 12).getTime();
let seq = 0;

function event(type: string, user: string, minutes: number, text = ''): RoomEvent {
  seq++;
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: new Date(noon + minutes * 60_000).toISOString(), from: { user, name: user, kind: 'person' }, text, replyTo: null, of: null, emoji: '' };
}

const kinds = (items: Item[]) => items.map((item) => item.kind);
const presence = (items: Item[]) => items.filter((item) => item.kind === 'presence');

describe('fold', () => {
  it('groups what one author says within five minutes', () => {
    const items = fold([event('message', 'ana', 0), event('message', 'ana', 4), event('message', 'bob', 5), event('message', 'ana', 6), event('message', 'ana', 12)], null);
    expect(kinds(items)).toEqual(['day', 'group', 'group', 'group', 'group']);
    expect(items[1]).toMatchObject({ messages: [{ from: { user: 'ana' } }, { from: { user: 'ana' } }] });
  });

  it('keeps apart what a person says and what their bot says', () => {
    const bot = event('message', 'ana', 1);
    const items = fold([event('message', 'ana', 0), { ...bot, from: { ...bot.from, kind: 'bot' } }], null);
    expect(kinds(items)).toEqual(['day', 'group', 'group']);
  });

  it('folds comings and goings between two messages into one line', () => {
    const items = fold([event('message', 'ana', 0), event('join', 'bob', 1), event('join', 'caio', 1), event('leave', 'dora', 2), event('message', 'ana', 3)], null);
    expect(kinds(items)).toEqual(['day', 'group', 'presence', 'group']);
    const [line] = presence(items);
    expect(line!.came.map((author) => author.user)).toEqual(['bob', 'caio']);
    expect(line!.left.map((author) => author.user)).toEqual(['dora']);
  });

  it('says nothing of somebody who was away for a moment', () => {
    const items = fold([event('message', 'ana', 0), event('leave', 'bob', 1), event('join', 'bob', 2), event('message', 'ana', 3)], null);
    expect(presence(items)).toEqual([]);
  });

  it('says that somebody left who came and went', () => {
    const [line] = presence(fold([event('join', 'bob', 1), event('leave', 'bob', 2)], null));
    expect(line).toMatchObject({ came: [], left: [{ user: 'bob' }] });
  });

  it('sets days apart', () => {
    const items = fold([event('message', 'ana', 0), event('message', 'ana', 24 * 60)], null);
    expect(kinds(items)).toEqual(['day', 'group', 'day', 'group']);
  });

  it('marks the first unread message, not the joins before it', () => {
    const read = event('message', 'ana', 0);
    const items = fold([read, event('join', 'bob', 1), event('message', 'bob', 2), event('message', 'bob', 3)], read.seq);
    expect(kinds(items)).toEqual(['day', 'group', 'presence', 'unread', 'group']);
  });

  it('draws nothing for types that it does not know', () => {
    expect(fold([event('reaction', 'ana', 0), event('edit', 'ana', 1)], null)).toEqual([]);
  });

  it('keeps the keys of what was drawn when more arrives', () => {
    const events = [event('message', 'ana', 0), event('join', 'bob', 1)];
    const before = fold(events, null).map((item) => item.key);
    const after = fold([...events, event('join', 'caio', 1), event('message', 'ana', 2)], null).map((item) => item.key);
    expect(after.slice(0, before.length)).toEqual(before);
  });

  it('has no key twice when the reader was away for a moment between messages of one author', () => {
    const keys = fold([event('message', 'ana', 0), event('leave', 'bob', 1), event('join', 'bob', 1), event('message', 'ana', 2)], null).map((item) => item.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
