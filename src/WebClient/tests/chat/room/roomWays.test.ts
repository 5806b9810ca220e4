import { render } from 'svelte/server';
import { expect, it, vi } from 'vitest';

vi.hoisted(() => Object.defineProperty(globalThis, 'location', { value: new URL('https://chat.example.org/rooms/garden'), configurable: true }));
vi.hoisted(() => Object.defineProperty(globalThis, 'document', { value: { baseURI: 'https://chat.example.org/', documentElement: {}, addEventListener: () => undefined }, configurable: true }));

import RoomWays from '../../../src/chat/room/RoomWays.svelte';
import { changedBy, readEvent, readRoom } from '../../../src/chat/model/protocol';
import { en } from '../../../src/i18n/en';
import type { Me } from '../../../src/session/session.svelte';

const ana = { user: 'ana', name: 'Ana', kind: 'person' } as Me;
const garden = (more: object) => readRoom({ id: 'garden', title: 'Garden', member: true, ...more })!;
const shown = (room: ReturnType<typeof garden>, me: Me = ana, phase = 'ready') =>
  render(RoomWays, { props: { room: { id: room.id, title: room.title, room, phase } as never, me, ways: {} as never, written: true, side: 'people', onside: () => undefined } }).body;
const data = (write: string) => ({ policy: { data: { read: 'members', write } } });

it('leads devices into a room for those who may write data there', () => {
  expect(shown(garden({ role: 'member', ...data('members') }))).toContain(en['devices.connect']);
  expect(shown(garden({ role: 'moderator', ...data('moderators') }))).toContain(en['devices.connect']);
  expect(shown(garden({ role: 'member', ...data('moderators') }))).not.toContain(en['devices.connect']);
  expect(shown(garden({ role: 'member' }))).not.toContain(en['devices.connect']);
  expect(shown(garden(data('members')), { ...ana, kind: 'guest' })).not.toContain(en['devices.connect']);
  expect(shown(garden(data('members')), ana, 'joining')).not.toContain(en['devices.connect']);
});

it('follows the rules of the room as they change', () => {
  const event = readEvent({ v: 1, type: 'policy', room: 'garden', seq: 2, epoch: 'e', at: '', from: { user: 'bea', name: 'Bea', kind: 'person' }, ...data('members').policy });
  const before = garden({ role: 'member', ...data('moderators') });
  expect(shown(changedBy(before, event!))).toContain(en['devices.connect']);
});

it('leads out of all but the lobby', () => {
  expect(shown(garden({ role: 'member' }))).toContain(en['rooms.leave']);
  expect(shown(readRoom({ id: 'lobby', title: 'Lobby', member: true, mine: true })!)).not.toContain(en['rooms.leave']);
});
