import { describe, expect, it } from 'vitest';
import { isMessage, merge } from '../../src/chat/merge';
import type { RoomEvent } from '../../src/chat/protocol';

const author = (user: string) => ({ user, name: user, kind: 'person' as const });

function event(seq: number, type: string, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: `2026-11-22T23:00:0${seq % 10}Z`, from: author('ana'), text: '', replyTo: null, of: null, emoji: '', ...more };
}

const messages = (events: RoomEvent[]) => merge(events).filter(isMessage);

describe('merge', () => {
  it('shows the newest words of a message, and when they were written', () => {
    const [message] = messages([event(1, 'message', { text: 'helo' }), event(2, 'edit', { of: 1, text: 'hallo' }), event(3, 'edit', { of: 1, text: 'hello' })]);
    expect(message).toMatchObject({ seq: 1, text: 'hello', editedAt: '2026-11-22T23:00:03Z', deleted: false });
  });

  it('keeps nothing of the words of a deleted message, whatever comes after', () => {
    const [message] = messages([
      event(1, 'message', { text: 'a secret' }),
      event(2, 'reaction', { of: 1, emoji: '👍' }),
      event(3, 'delete', { of: 1 }),
      event(4, 'edit', { of: 1, text: 'a secret again' }),
      event(5, 'reaction', { of: 1, emoji: '👍' }),
    ]);
    expect(message).toMatchObject({ deleted: true, text: '', reactions: [] });
  });

  it('counts each person once for each reaction', () => {
    const react = (seq: number, user: string, emoji: string) => event(seq, 'reaction', { of: 1, emoji, from: author(user) });
    const [message] = messages([event(1, 'message'), react(2, 'bob', '👍'), react(3, 'caio', '👍'), react(4, 'bob', '👍'), react(5, 'bob', '🎉')]);
    expect(message!.reactions.map(({ emoji, from }) => [emoji, from.map((one) => one.user)])).toEqual([
      ['👍', ['bob', 'caio']],
      ['🎉', ['bob']],
    ]);
  });

  it('leaves alone what it does not know, and what is about nothing here', () => {
    const shown = messages([event(5, 'message', { text: 'hello' }), event(6, 'pin', { of: 5 }), event(7, 'edit', { of: 3, text: 'older' }), event(8, 'sticker')]);
    expect(shown).toMatchObject([{ seq: 5, text: 'hello', editedAt: null, deleted: false, reactions: [] }]);
  });

  it('changes none of the events that it reads', () => {
    const said = event(1, 'message', { text: 'helo' });
    merge([said, event(2, 'edit', { of: 1, text: 'hello' })]);
    expect(said.text).toBe('helo');
  });
});
