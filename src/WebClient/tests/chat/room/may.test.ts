import { expect, it } from 'vitest';
import { toMessage } from '../../../src/chat/model/merge';
import type { Room } from '../../../src/chat/model/protocol';
import type { Role, Rules } from '../../../src/chat/model/rules';
import { actionsBetween, actionsFor, type Action } from '../../../src/chat/room/may';

const at = '2026-11-22T23:00:00.000Z';
const now = Date.parse(at) + 10 * 60_000;

function message(user: string, kind: 'person' | 'bot' = 'person', type = 'message') {
  return toMessage({ type, room: 'lobby', seq: 1, epoch: 'e', id: null, at, from: { user, name: user, kind }, text: 'hi', replyTo: null, of: null, emoji: '' });
}

function may(said: ReturnType<typeof message>, { role = 'member', mine = false, rules = {}, author = 'member' }: { role?: Role; mine?: boolean; rules?: Rules; author?: Role } = {}): Action[] {
  const room: Room = { id: 'lobby', title: 'Lobby', topic: '', visibility: 'public', people: 1, member: true, mine, role, rules, head: 1, reading: null };
  return actionsFor(said, { me: 'ana', kind: 'person', room, roleOf: () => author }, now);
}

it('offers to change and delete what is one’s own, and neither with what others said', () => {
  expect(may(message('ana'))).toEqual(['react', 'reply', 'edit', 'copy', 'link', 'shell', 'save', 'unread', 'remove']);
  expect(may(message('bob'))).toEqual(['react', 'reply', 'whisper', 'copy', 'link', 'shell', 'save', 'unread', 'report']);
});

it('offers no whisper to what has no account', () => {
  expect(may(message('bob', 'bot'))).toContain('whisper');
  expect(may(message('hook-grafana', 'bot'))).not.toContain('whisper');
  expect(may(message('rule-frost', 'bot'))).not.toContain('whisper');
});

it('offers no change once the room’s time for it is over, and none of what one’s bot said', () => {
  expect(may(message('ana'), { rules: { editWindow: 10 } })).toContain('edit');
  expect(may(message('ana'), { rules: { editWindow: 9 } })).not.toContain('edit');
  expect(may(message('ana'), { rules: { editWindow: -1 } })).toContain('edit');
  expect(may(message('ana', 'bot'))).not.toContain('edit');
  expect(may(message('ana', 'bot'))).toContain('remove');
});

it('offers no change of what the dice said, in a room or in a conversation', () => {
  const thrown = { ...message('ana'), roll: { dice: '2d6', rolls: [4, 3], total: 7 } };
  expect(may(thrown)).toEqual(may(message('ana')).filter((action) => action !== 'edit'));
  expect(actionsBetween(thrown, 'ana')).not.toContain('edit');
});

it('offers moderators to delete what those below them said, and to pin', () => {
  expect(may(message('bob'), { role: 'moderator' })).toEqual(['react', 'reply', 'whisper', 'copy', 'link', 'shell', 'save', 'unread', 'pin', 'moderate', 'remove']);
  expect(may(message('bob'), { role: 'moderator', author: 'moderator' })).not.toContain('remove');
  expect(may(message('bob'), { role: 'owner', mine: true, author: 'moderator' })).toContain('remove');
  expect(may(message('bob'), { role: 'member', mine: true, author: 'owner' })).toContain('remove');
});

it('offers to report what others said to whoever cannot see to it himself', () => {
  expect(may(message('bob'), { role: 'moderator', author: 'moderator' })).toContain('report');
  expect(may(message('bob'), { role: 'moderator' })).not.toContain('report');
  expect(may(message('ana'))).not.toContain('report');
});

it('offers to mute, remove or ban where somebody misbehaves, to who ranks above them, and not what is no account’s', () => {
  expect(may(message('bob'), { role: 'moderator' })).toContain('moderate');
  expect(may(message('bob'), { role: 'moderator', author: 'moderator' })).not.toContain('moderate');
  expect(may(message('bob'))).not.toContain('moderate');
  expect(may(message('ana'), { role: 'owner', mine: true })).not.toContain('moderate');
  expect(may(message('hook-grafana', 'bot'), { role: 'owner', mine: true })).not.toContain('moderate');
});

it('offers who may only read to copy, and nothing of what is gone', () => {
  expect(may(message('bob'), { rules: { posting: 'moderators' } })).toEqual(['whisper', 'copy', 'link', 'shell', 'save', 'unread', 'report']);
  expect(may(message('ana'), { rules: { posting: 'moderators' } })).toEqual(['copy', 'link', 'shell', 'save', 'unread', 'remove']);
  expect(may(message('ana', 'person', 'removed'))).toEqual([]);
});

it('offers in a conversation to change what is one’s own, whenever it was said, and to answer the other', () => {
  expect(actionsBetween(message('ana'), 'ana')).toEqual(['react', 'reply', 'edit', 'copy', 'link', 'shell', 'save', 'remove']);
  expect(actionsBetween(message('bob'), 'ana')).toEqual(['react', 'reply', 'copy', 'link', 'shell', 'save']);
  expect(actionsBetween(message('ana', 'bot'), 'ana')).toEqual(['react', 'reply', 'copy', 'link', 'shell', 'save', 'remove']);
  expect(actionsBetween(message('bob', 'person', 'removed'), 'ana')).toEqual([]);
});
