import { expect, it } from 'vitest';
import { readConversation, readTalkUnread, readTold } from '../../../src/chat/model/told';

const bea = { user: 'bea', name: 'Béa', kind: 'person' };

it('reads what is told of a conversation as it stands there', () => {
  const whisper = { v: 1, type: 'whisper', to: 'ana', seq: 7, epoch: 't', at: '', from: bea, text: 'psst', with: 'bea', cseq: 3, cepoch: 'p' };
  expect(readTold(whisper)).toMatchObject({ user: 'bea', seq: 7, epoch: 't', event: { type: 'message', seq: 3, epoch: 'p', text: 'psst' } });
  expect(readTold({ ...whisper, type: 'sent', edited: { seq: 4, at: 'x' } })).toMatchObject({ event: { type: 'message', edited: { seq: 4 } } });
  expect(readTold({ ...whisper, type: 'delete', of: 2 })).toMatchObject({ event: { type: 'delete', of: 2 } });
  for (const value of [null, { ...whisper, with: undefined }, { ...whisper, cseq: undefined }, { type: 'notice', code: 'x', text: 'y' }]) expect(readTold(value)).toBeNull();
});

it('reads the list, with those who are erased or ignored, and counts what my own bots say', () => {
  const listed = { ...bea, at: 'x', head: 3, epoch: 'p', read: { seq: 2, epoch: 'p' }, unread: 1, bots: 2, last: { type: 'message', with: 'bea', seq: 3, epoch: 'p', from: bea, text: 'psst' } };
  expect(readConversation(listed)).toMatchObject({ ...bea, gone: false, ignored: false, head: 3, reading: { seq: 2, unread: 3 }, last: { text: 'psst' } });
  expect(readConversation({ user: 'caio', gone: true, at: 'x' })).toMatchObject({ user: 'caio', name: 'caio', gone: true, reading: null, last: null });
  expect(readConversation({ ...bea, ignored: true })).toMatchObject({ ignored: true });
  expect(readConversation({})).toBeNull();
});

it('reads which conversations have changed of what is unread', () => {
  const told = { v: 1, type: 'unread', rooms: [], conversations: [{ user: 'bea', head: 6, epoch: 'p', seq: 4, unread: 1, bots: 1 }, { user: 'x' }] };
  expect(readTalkUnread(told)).toEqual([{ user: 'bea', head: 6, reading: { seq: 4, epoch: 'p', unread: 2 } }]);
  expect(readTalkUnread({ v: 1, type: 'unread', rooms: [] })).toEqual([]);
});
