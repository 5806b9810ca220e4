import { expect, it, vi } from 'vitest';
import { goalsOf, type Ways } from '../../src/chat/goals';
import { findGoals } from '../../src/chat/palette/palette';
import type { Chat } from '../../src/chat/chat.svelte';

const go = vi.hoisted(() => vi.fn());
vi.mock('../../src/lib/router.svelte', () => ({ router: { go } }));

const people = { list: [{ user: 'ana', name: 'Ana' }, { user: 'bea', name: 'Béa here' }, { user: 'caio', name: 'Caio' }] };
const chatIn = (current: unknown) =>
  ({
    me: { user: 'ana', name: 'Ana', kind: 'person' },
    directory: { rooms: [] },
    mentions: { unread: 0 },
    unread: 0,
    opened: { current },
    conversations: { heard: [{ user: 'bea', name: 'Béa Müller' }, { user: 'ana', name: 'Ana' }] },
  }) as unknown as Chat;
const ways: Ways = { list() {}, create() {} };
const found = (query: string, current: unknown = null) => findGoals(query, goalsOf(chatIn(current), ways)).filter(({ group }) => group === 'people');

it('finds whom one talks to from anywhere, by either name, and leads to the conversation', () => {
  for (const query of ['bea', 'müller', 'muller', '@be']) expect(found(query).map(({ name }) => name)).toEqual(['Béa Müller']);
  found('bea')[0]!.run();
  expect(go).toHaveBeenCalledWith('/talk/bea');
});

it('finds who is in the open room, nobody twice, and the own conversation only where there is one', () => {
  const room = { id: 'lobby', phase: 'ready', people, room: null };
  expect(found('c', room).map(({ beside }) => beside)).toEqual(['@caio']);
  expect(found('@b', room).map(({ name }) => name)).toEqual(['Béa Müller']);
  expect(found('caio', { ...room, phase: 'refused' })).toEqual([]);
  expect(found('@ana').map(({ beside }) => beside)).toEqual(['@ana']);
});

it('leads to the devices of a room that is open, for who may read what they say', () => {
  const offered = (rules: object | null, phase = 'ready') => {
    const goals = goalsOf(chatIn({ id: 'garden', phase, people, room: rules && { role: 'member', mine: false, rules } }), ways);
    return goals.some(({ name }) => name === 'Devices');
  };
  expect(offered({ data: { read: 'members' } })).toBe(true);
  expect(offered({ data: { read: 'moderators' } })).toBe(false);
  expect([offered({}, 'refused'), offered(null)]).toEqual([false, false]);
});
