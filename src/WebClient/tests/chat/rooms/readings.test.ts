import { expect, it } from 'vitest';
import type { RoomState } from '../../../src/chat/room/room.svelte';
import { OpenRooms } from '../../../src/chat/rooms/openRooms.svelte';
import { Readings } from '../../../src/chat/rooms/readings.svelte';

function readingsWith(rooms: Record<string, Partial<RoomState>>) {
  const opened = new OpenRooms((id) => ({ id, gone: null, toldReading() {}, ...rooms[id] }) as RoomState);
  for (const id of Object.keys(rooms)) opened.open(id);
  return new Readings(opened);
}

it('an open room counts itself, as soon as it could be read, and one that is gone counts nothing', () => {
  const readings = readingsWith({ open: { phase: 'ready', unread: 3 }, opening: { phase: 'joining', unread: 0 }, gone: { phase: 'refused', gone: 'removed' } });
  for (const room of ['open', 'opening', 'gone', 'elsewhere']) readings.told(room, { seq: 1, epoch: 'e', unread: 7 }, 8);
  expect(['open', 'opening', 'gone', 'elsewhere', 'unknown'].map((room) => readings.unreadIn(room))).toEqual([3, 7, 0, 7, 0]);
  expect(readings.unread).toBe(17);
});

it('what was read here is read before the server says so, and what is forgotten counts no more', () => {
  const readings = readingsWith({});
  readings.told('lobby', { seq: 1, epoch: 'e', unread: 7 }, 8);
  readings.readHere('lobby', 8, 'e');
  readings.told('lobby', { seq: 1, epoch: 'e', unread: 7 }, 8);
  expect(readings.unreadIn('lobby')).toBe(0);
  readings.told('garden', { seq: 1, epoch: 'e', unread: 2 }, 3);
  readings.forget('garden');
  expect([readings.of('garden'), readings.unread]).toEqual([null, 0]);
});
