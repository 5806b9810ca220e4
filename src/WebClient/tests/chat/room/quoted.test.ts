import { expect, it } from 'vitest';
import { toMessage } from '../../../src/chat/model/merge';
import type { RoomEvent } from '../../../src/chat/model/protocol';
import { Fold } from '../../../src/chat/room/fold';
import { shownOf } from '../../../src/chat/model/shown';

const author = (user: string) => ({ user, name: user.toUpperCase(), kind: 'person' as const });

function event(seq: number, type: string, more: Partial<RoomEvent> = {}): RoomEvent {
  return { type, room: 'lobby', seq, epoch: 'e', id: null, at: '2026-11-22T23:00:00Z', from: author('ana'), text: '', replyTo: null, of: null, emoji: '', ...more };
}

const answer = event(10, 'message', { replyTo: 1, text: 'yes', quote: { user: 'bob', text: 'as it was' } });
const quoteIn = (fold: Fold) => fold.quoteOf(fold.find(10)!.message);

function folded(...events: RoomEvent[]): Fold {
  const fold = new Fold(() => author('me'));
  fold.append(events);
  return fold;
}

it('quotes the message itself where it is here, and follows its edits and its end', () => {
  const fold = folded(event(1, 'message', { text: 'as it is', from: author('bob') }), answer);
  expect(quoteIn(fold)).toEqual({ seq: 1, from: author('bob'), text: 'as it is' });
  fold.append([event(11, 'edit', { of: 1, text: 'as it became' })]);
  expect(quoteIn(fold)?.text).toBe('as it became');
  fold.append([event(12, 'delete', { of: 1 })]);
  expect(quoteIn(fold)?.text).toBeNull();
});

it('quotes what the server wrote out where the message is not here, until something happens to that', () => {
  const fold = folded(answer);
  expect(quoteIn(fold)).toEqual({ seq: 1, from: { user: 'bob' }, text: 'as it was' });
  fold.append([event(11, 'edit', { of: 1, text: 'as it became' })]);
  expect(quoteIn(fold)?.text).toBe('as it became');
  fold.append([event(12, 'delete', { of: 1 })]);
  expect(quoteIn(fold)?.text).toBeNull();
});

it('takes the message itself as soon as its page is read', () => {
  const fold = folded(answer);
  fold.prepend([event(1, 'message', { text: 'as it is', from: author('bob') })]);
  expect(quoteIn(fold)).toMatchObject({ from: { name: 'BOB' }, text: 'as it is' });
});

it('says that there is nothing to be quoted where the server had nothing, and nothing where nobody is answered', () => {
  expect(quoteIn(folded(event(10, 'message', { replyTo: 1, text: 'yes' })))).toEqual({ seq: 1, from: null, text: null });
  expect(new Fold(() => author('me')).quoteOf(toMessage(event(1, 'message')))).toBeNull();
});

it('shows one line without marks, and nothing of what is hidden, also where its end is cut off', () => {
  expect(shownOf('**bold**\nand `code`')).toBe('bold and code');
  expect(shownOf('the butler ||did it||')).toBe('the butler Spoiler');
  expect(shownOf('the butler ||did i…')).toBe('the butler Spoiler');
  expect(shownOf(`${'so '.repeat(50)}||did it!!`)).not.toContain('did it');
  expect(shownOf('a || b')).toBe('a || b');
});
