import { describe, expect, it } from 'vitest';
import { changed, excerpt, settled, toMessage, type Message } from '../../../src/chat/model/merge';
import type { RoomEvent } from '../../../src/chat/model/protocol';

const author = (user: string) => ({ user, name: user, kind: 'person' as const });

function event(seq: number, type: string, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: `2026-11-22T23:00:0${seq % 10}Z`, from: author('ana'), text: '', replyTo: null, of: null, emoji: '', ...more };
}

const after1 = (message: Message, event: RoomEvent) => changed(message, event, 'me');
const after = (message: RoomEvent, ...events: RoomEvent[]) => events.reduce<Message>(after1, toMessage(message));

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

  it('begins with what its page says, and takes edits of before, and those without a text, for what they are', () => {
    const said = event(1, 'message', { text: 'new', edited: { seq: 5, at: '2026-11-29T10:00:00.000Z' }, reactions: [{ emoji: '👍', count: 1, users: [author('ana')], mine: false }] });
    const message = toMessage(said);
    expect(message).toMatchObject({ text: 'new', editedAt: '2026-11-29T10:00:00.000Z', reactions: [{ emoji: '👍' }] });
    expect(after1(message, event(3, 'edit', { of: 1, text: '', over: true }))).toBe(message);
    expect(after1(message, event(5, 'edit', { of: 1, text: 'new' }))).toBe(message);
    expect(after1(message, event(6, 'edit', { of: 1, text: 'newest' })).text).toBe('newest');
  });

  it('loses a reaction that is taken back, and no other', () => {
    const react = (seq: number, user: string, off?: true) => event(seq, 'reaction', { of: 1, emoji: '👍', from: author(user), ...(off && { off }) });
    const both = after(event(1, 'message', { text: 'hi' }), react(2, 'ana'), react(3, 'bob'));
    const left = after1(both, react(4, 'ana', true));
    expect(left.reactions.map(({ users }) => users.map((one) => one.user))).toEqual([['bob']]);
    expect(after1(left, react(5, 'bob', true)).reactions).toEqual([]);
    expect(after1(left, react(6, 'eve', true))).toBe(left);
  });

  it('counts each person once for each reaction', () => {
    const react = (seq: number, user: string, emoji: string) => event(seq, 'reaction', { of: 1, emoji, from: author(user) });
    const message = after(event(1, 'message'), react(2, 'bob', '👍'), react(3, 'caio', '👍'), react(4, 'bob', '👍'), react(5, 'bob', '🎉'));
    expect(message.reactions.map(({ emoji, users }) => [emoji, users.map((one) => one.user)])).toEqual([
      ['👍', ['bob', 'caio']],
      ['🎉', ['bob']],
    ]);
  });

  it('answers the same message where nothing changes, so that nothing is drawn anew', () => {
    const message = toMessage(event(5, 'message', { text: 'hello' }));
    expect(after1(message, event(6, 'pin', { of: 5 }))).toBe(message);
    const liked = after1(message, event(7, 'reaction', { of: 5, emoji: '👍' }));
    expect(liked).not.toBe(message);
    expect(after1(liked, event(8, 'reaction', { of: 5, emoji: '👍' }))).toBe(liked);
  });

  it('changes none of the events that it reads', () => {
    const said = event(1, 'message', { text: 'helo' });
    expect(after(said, event(2, 'edit', { of: 1, text: 'hello' })).text).toBe('hello');
    expect(said.text).toBe('helo');
  });

  it('counts whom a page does not name, and what came above its head alone', () => {
    const named = Array.from({ length: 20 }, (_, index) => author(`u${index}`));
    const said = event(1, 'message', { asOf: 40, reactions: [{ emoji: '👍', count: 30, users: named, mine: true }] });
    const react = (seq: number, user: string, off?: true) => event(seq, 'reaction', { of: 1, emoji: '👍', from: author(user), ...(off && { off }) });
    expect(after(said, react(40, 'eve'))).toMatchObject({ reactions: [{ count: 30 }] });
    expect(after(said, react(41, 'eve')).reactions[0]).toMatchObject({ count: 31, users: named, mine: true });
    expect(after(said, react(41, 'me')).reactions[0]).toMatchObject({ count: 30 });
    expect(after(said, react(41, 'me', true)).reactions[0]).toMatchObject({ count: 29, mine: false });
    expect(after(said, react(41, 'u3', true)).reactions[0]!.users).toHaveLength(19);
  });

  it('says who deleted a message, live and in a page', () => {
    expect(after(event(1, 'message', { text: 'a' }), event(2, 'delete', { of: 1, from: author('bea') })).by).toEqual(author('bea'));
    expect(toMessage(event(1, 'removed', { by: author('bea') }))).toMatchObject({ deleted: true, text: '', by: { user: 'bea' } });
  });
});

describe('settled', () => {
  const canary = 'the canary sings';
  const said = event(1, 'message', { text: canary, quote: { user: 'bob', text: canary }, replyTo: 9 });
  const edit = event(2, 'edit', { of: 1, text: canary });
  const answer = event(3, 'message', { text: 'yes', replyTo: 1, quote: { user: 'ana', text: canary } });

  it('leaves nothing of what was deleted: not the message, not its edits, not in quotes', () => {
    const left = [said, edit, answer].map((one) => settled(one, event(4, 'delete', { of: 1, from: author('bea') })));
    expect(JSON.stringify(left)).not.toContain('canary');
    expect(left).toMatchObject([{ type: 'removed', seq: 1, by: { user: 'bea' } }, { seq: 2, over: true }, { seq: 3, text: 'yes', replyTo: 1 }]);
  });

  it('puts the newest words in the place of the others, in quotes as well', () => {
    const left = [said, edit, answer].map((one) => settled(one, event(4, 'edit', { of: 1, text: 'new' })));
    expect(JSON.stringify([left[1], left[2], left[0]!.text])).not.toContain('canary');
    expect(left).toMatchObject([{ text: 'new', edited: { seq: 4 } }, { over: true }, { quote: { user: 'ana', text: 'new' } }]);
    expect(settled(left[0]!, event(3, 'edit', { of: 1, text: 'old' }))).toBe(left[0]);
  });

  it('stays as it is whatever else is done with it', () => {
    for (const type of ['reaction', 'pin', 'policy', 'a type of later']) {
      for (const one of [said, edit, answer]) expect(settled(one, event(4, type, { of: 1, emoji: '👍' }))).toBe(one);
    }
  });

  it('cuts an excerpt as the server does, and leaves no half of a letter', () => {
    expect(excerpt('one\n two')).toBe('one two');
    expect([...excerpt('😀'.repeat(200))]).toHaveLength(160);
  });
});
