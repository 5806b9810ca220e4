import { describe, expect, it } from 'vitest';
import { changed, toMessage } from '../../../src/chat/model/merge';
import type { RoomEvent } from '../../../src/chat/model/protocol';

const author = (user: string) => ({ user, name: user, kind: 'person' as const });

function event(seq: number, type: string, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: `2026-11-22T23:00:0${seq % 10}Z`, from: author('ana'), text: '', replyTo: null, of: null, emoji: '', ...more };
}

const after = (message: RoomEvent, ...events: RoomEvent[]) => events.reduce(changed, toMessage(message));

describe('merge', () => {
  it('shows the newest words of a message, and when they were written', () => {
    const message = after(event(1, 'message', { text: 'helo' }), event(2, 'edit', { of: 1, text: 'hallo' }), event(3, 'edit', { of: 1, text: 'hello' }));
    expect(message).toMatchObject({ seq: 1, text: 'hello', editedAt: '2026-11-22T23:00:03Z', deleted: false });
  });

  it('keeps nothing of the words of a deleted message, whatever comes after', () => {
    const message = after(
      event(1, 'message', { text: 'a secret' }),
      event(2, 'reaction', { of: 1, emoji: '👍' }),
      event(3, 'delete', { of: 1 }),
      event(4, 'edit', { of: 1, text: 'a secret again' }),
      event(5, 'reaction', { of: 1, emoji: '👍' }),
    );
    expect(message).toMatchObject({ deleted: true, text: '', reactions: [] });
  });

  it('counts each person once for each reaction', () => {
    const react = (seq: number, user: string, emoji: string) => event(seq, 'reaction', { of: 1, emoji, from: author(user) });
    const message = after(event(1, 'message'), react(2, 'bob', '👍'), react(3, 'caio', '👍'), react(4, 'bob', '👍'), react(5, 'bob', '🎉'));
    expect(message.reactions.map(({ emoji, from }) => [emoji, from.map((one) => one.user)])).toEqual([
      ['👍', ['bob', 'caio']],
      ['🎉', ['bob']],
    ]);
  });

  it('answers the same message where nothing changes, so that nothing is drawn anew', () => {
    const message = toMessage(event(5, 'message', { text: 'hello' }));
    expect(changed(message, event(6, 'pin', { of: 5 }))).toBe(message);
    const liked = changed(message, event(7, 'reaction', { of: 5, emoji: '👍' }));
    expect(liked).not.toBe(message);
    expect(changed(liked, event(8, 'reaction', { of: 5, emoji: '👍' }))).toBe(liked);
  });

  it('changes none of the events that it reads', () => {
    const said = event(1, 'message', { text: 'helo' });
    expect(after(said, event(2, 'edit', { of: 1, text: 'hello' })).text).toBe('hello');
    expect(said.text).toBe('helo');
  });
});
