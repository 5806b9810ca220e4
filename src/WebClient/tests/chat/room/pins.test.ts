import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readEvent, type RoomEvent } from '../../../src/chat/model/protocol';
import { Pins } from '../../../src/chat/room/pins.svelte';

const author = { user: 'ana', name: 'Ana', kind: 'person' };
const said = (seq: number, text: string) => ({ v: 1, type: 'message', room: 'lobby', seq, epoch: 'e', id: null, at: '2026-11-22T23:00:00Z', from: author, text });
const change = (type: string, more: object) => readEvent({ ...said(50, ''), type, ...more }) as RoomEvent;
let answer: () => Response;
let asked = 0;

beforeEach(() => {
  asked = 0;
  answer = () => Response.json({ epoch: 'e', head: 9, pins: [{ of: 4, at: 'then', by: author, event: said(4, 'four') }, { of: 2, at: 'then', by: author, event: said(2, 'two') }, { of: 1 }], next: null });
  vi.stubGlobal('fetch', async (path: string) => {
    asked++;
    return path.includes('/rooms/lobby/pins') ? answer() : new Response(null, { status: 404 });
  });
});

afterEach(() => vi.unstubAllGlobals());

it('lists what is pinned as it is now, and follows what happens to it', async () => {
  const pins = new Pins('lobby');
  await pins.read();
  expect(pins.list?.map(({ text }) => text)).toEqual(['four', 'two']);
  expect([pins.has(2), pins.has(1)]).toEqual([true, false]);
  pins.heard(change('edit', { of: 2, text: 'two and a half' }));
  pins.heard(change('delete', { of: 4 }));
  expect(pins.list?.map(({ text }) => text)).toEqual(['two and a half']);
});

it('reads anew when somebody pins, and keeps what it has when that fails', async () => {
  const pins = new Pins('lobby');
  await pins.read();
  answer = () => new Response(null, { status: 503 });
  pins.heard(change('pin', { of: 7, on: true }));
  await vi.waitFor(() => expect(asked).toBe(2));
  expect(pins.list).toHaveLength(2);
  pins.clear();
  expect(pins.list).toBeNull();
});

it('shows nothing that was deleted or edited while the server was being asked, whose answer may be older', async () => {
  const pins = new Pins('lobby');
  const reading = pins.read();
  pins.heard(change('delete', { of: 4 }));
  pins.heard(change('edit', { of: 2, text: 'two and a half' }));
  await reading;
  expect(pins.list?.map(({ text }) => text)).toEqual(['two and a half']);
  // What the server is asked for later has it all, and may have it again.
  pins.heard(change('pin', { of: 4, on: true }));
  await vi.waitFor(() => expect(pins.has(4)).toBe(true));
});
