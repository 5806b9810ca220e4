import { expect, it, vi } from 'vitest';
import type { RoomState } from '../../../src/chat/room/room.svelte';
import { OpenRooms } from '../../../src/chat/rooms/openRooms.svelte';

function openRooms() {
  const made: string[] = [];
  const opened = new OpenRooms((id) => {
    made.push(id);
    return { id, stop: vi.fn() } as unknown as RoomState;
  });
  return { opened, made };
}

it('opens a room once, and shows it until another page is gone to', () => {
  const { opened, made } = openRooms();
  opened.show('lobby');
  opened.show('garden');
  opened.show('lobby');
  expect([made, opened.current?.id, opened.isShown('lobby')]).toEqual([['lobby', 'garden'], 'lobby', true]);
  opened.show(null);
  expect([opened.current, opened.has('lobby'), opened.isShown('lobby')]).toEqual([null, true, false]);
});

it('lets go of the room that nobody has looked at for longest when there would be more than 20', () => {
  const { opened } = openRooms();
  for (let room = 1; room <= 20; room++) opened.open(`room${room}`);
  opened.open('room1');
  const [first, second] = [opened.get('room1')!, opened.get('room2')!];
  opened.open('room21');
  expect([...opened.ids()].length).toBe(20);
  expect([opened.has('room1'), opened.has('room2'), opened.has('room21')]).toEqual([true, false, true]);
  expect([first.stop, second.stop].map((stop) => vi.mocked(stop).mock.calls.length)).toEqual([0, 1]);
});
