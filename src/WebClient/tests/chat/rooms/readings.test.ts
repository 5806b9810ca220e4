import { expect, it } from 'vitest';
import type { RoomState } from '../../../src/chat/room/room.svelte';
import { OpenRooms } from '../../../src/chat/rooms/openRooms.svelte';
import { Readings } from '../../../src/chat/rooms/readings.svelte';

function readingsWith(rooms: Record<string, Partial<RoomState>>, isSilent?: (room: string) => boolean) {
  const opened = new OpenRooms((id) => ({ id, gone: null, toldReading() {}, goBack() {}, ...rooms[id] }) as RoomState);
  for (const id of Object.keys(rooms)) opened.open(id);
  return new Readings(opened, isSilent);
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

it('counts no more mentions than there is unread, and of muted rooms nothing', () => {
  const opened = new OpenRooms(() => ({ phase: 'ready', unread: 1 }) as RoomState);
  const readings = new Readings(opened, (room) => room === 'muted');
  readings.told('lobby', { seq: 1, epoch: 'e', unread: 7, mentions: 2 }, 8);
  readings.told('muted', { seq: 1, epoch: 'e', unread: 5, mentions: 3 }, 6);
  expect([readings.mentionsIn('lobby'), readings.mentions, readings.unread, readings.unreadIn('muted')]).toEqual([2, 2, 7, 5]);
  readings.told('lobby', { seq: 6, epoch: 'e', unread: 2 }, 8);
  expect(readings.mentionsIn('lobby')).toBe(2);
  readings.readHere('lobby', 8, 'e');
  expect(readings.mentions).toBe(0);
});

it('goes back where the reader wants it so, and does not take for news what the server said before it knew', () => {
  const readings = readingsWith({});
  readings.told('lobby', { seq: 8, epoch: 'e', unread: 0 }, 8);
  readings.goBack('lobby', 3, 'e');
  readings.told('lobby', { seq: 8, epoch: 'e', unread: 1 }, 9);
  expect(readings.of('lobby')).toMatchObject({ seq: 3 });
  readings.told('lobby', { seq: 3, epoch: 'e', unread: 6 }, 9);
  expect([readings.of('lobby')?.seq, readings.unreadIn('lobby')]).toEqual([3, 6]);
});

it('follows another device that goes back', () => {
  let wentBack = 0;
  const readings = readingsWith({ lobby: { phase: 'ready', unread: 0, goBack: (seq: number) => (wentBack = seq) } as Partial<RoomState> });
  readings.told('lobby', { seq: 8, epoch: 'e', unread: 0 }, 8);
  readings.told('lobby', { seq: 3, epoch: 'e', unread: 5 }, 8);
  expect([wentBack, readings.of('lobby')?.seq]).toEqual([3, 3]);
});

it('counts nothing of one that is silent, open or not', () => {
  const readings = readingsWith({ open: { phase: 'ready', unread: 3 } }, (room) => room !== 'heard');
  for (const room of ['open', 'elsewhere', 'heard']) readings.told(room, { seq: 1, epoch: 'e', unread: 7, mentions: 2 }, 8);
  expect([readings.unread, readings.mentions]).toEqual([7, 2]);
});

it('believes the server again once it has heard of going back, though another device has read on by then', () => {
  const readings = readingsWith({});
  readings.told('lobby', { seq: 50, epoch: 'e', unread: 0 }, 50);
  readings.goBack('lobby', 20, 'e');
  readings.told('lobby', { seq: 50, epoch: 'e', unread: 0 }, 50);
  expect(readings.of('lobby')?.seq).toBe(20);
  readings.wentBack('lobby');
  readings.told('lobby', { seq: 60, epoch: 'e', unread: 1 }, 61);
  expect([readings.of('lobby')?.seq, readings.unreadIn('lobby')]).toEqual([60, 1]);
});

it('takes no list that came late for going back', () => {
  let wentBack = 0;
  const readings = readingsWith({ bea: { phase: 'ready', unread: 0, goBack: () => wentBack++ } as Partial<RoomState> });
  readings.told('bea', { seq: 95, epoch: 'e', unread: 0 }, 95);
  readings.listed('bea', { seq: 90, epoch: 'e', unread: 5 }, 95);
  expect([wentBack, readings.of('bea')?.seq]).toEqual([0, 95]);
  readings.listed('bea', { seq: 96, epoch: 'e', unread: 0 }, 96);
  expect(readings.of('bea')?.seq).toBe(96);
});
