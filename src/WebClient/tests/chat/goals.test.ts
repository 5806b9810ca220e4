import { expect, it, vi } from 'vitest';
import { goalsOf, type Ways } from '../../src/chat/goals';
import { findGoals } from '../../src/chat/palette/palette';
import type { Chat } from '../../src/chat/chat.svelte';

const go = vi.hoisted(() => vi.fn());
vi.mock('../../src/lib/router.svelte', () => ({ router: { go } }));

const people = { list: [{ user: 'ana', name: 'Ana' }, { user: 'bea', name: 'Béa here' }, { user: 'caio', name: 'Caio' }] };
const members = { list: [...people.list, { user: 'carl', name: 'Carl' }] };
const lobby = { id: 'lobby', phase: 'ready', people, members, room: null };
const chatIn = (current: unknown, elsewhere: unknown[] = []) =>
  ({
    me: { user: 'ana', name: 'Ana', kind: 'person' },
    directory: { rooms: [] },
    mentions: { unread: 0 },
    unread: 0,
    opened: { current, values: () => [...elsewhere, ...(current ? [current] : [])] },
    conversations: { heard: [{ user: 'bea', name: 'Béa Müller' }, { user: 'ana', name: 'Ana' }] },
  }) as unknown as Chat;
const ways: Ways = { list() {}, create() {} };
const found = (query: string, current: unknown = null, elsewhere: unknown[] = []) => findGoals(query, goalsOf(chatIn(current, elsewhere), ways)).filter(({ group }) => group === 'people');

it('finds whom one talks to from anywhere, by either name, and leads to the conversation', () => {
  for (const query of ['bea', 'müller', 'muller', '@be']) expect(found(query).map(({ name }) => name)).toEqual(['Béa Müller']);
  found('bea')[0]!.run();
  expect(go).toHaveBeenCalledWith('/talk/bea');
});

it('finds who is in the open room, nobody twice, and the own conversation only where there is one', () => {
  const room = { ...lobby, members: { list: [] } };
  expect(found('c', room).map(({ beside }) => beside)).toEqual(['@caio']);
  expect(found('@b', room).map(({ name }) => name)).toEqual(['Béa here']);
  expect(found('caio', { ...room, phase: 'refused' })).toEqual([]);
  expect(found('@ana', room).map(({ beside }) => beside)).toEqual(['@ana']);
});

it('finds members of the open room who are away behind those who are here, and behind one’s conversations whom other rooms know', () => {
  const den = { id: 'den', phase: 'ready', people: { list: [{ user: 'cora', name: 'Cora' }] }, members: { list: [{ user: 'dora', name: 'Dora' }] }, room: null };
  const users = (...asked: Parameters<typeof found>) => found(...asked).map(({ beside }) => beside);
  expect(users('c', lobby, [den])).toEqual(['@caio', '@carl', '@cora']);
  expect(users('dora', lobby, [den])).toEqual(['@dora']);
  expect(users('carl', null, [lobby])).toEqual(['@carl']);
  expect(users('cora', lobby, [{ ...den, phase: 'refused' }])).toEqual([]);
});

it('leads to the devices of a room that is open, for who may read what they say', () => {
  const offered = (rules: object | null, phase = 'ready') => {
    const goals = goalsOf(chatIn({ ...lobby, id: 'garden', phase, room: rules && { role: 'member', mine: false, rules } }), ways);
    return goals.some(({ name }) => name === 'Devices');
  };
  expect(offered({ data: { read: 'members' } })).toBe(true);
  expect(offered({ data: { read: 'moderators' } })).toBe(false);
  expect([offered({}, 'refused'), offered(null)]).toEqual([false, false]);
});
