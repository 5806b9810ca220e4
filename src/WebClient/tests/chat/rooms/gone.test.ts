import { render } from 'svelte/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Line, Outbox } from '../../../src/chat/compose/outbox.svelte';
import type { RoomState } from '../../../src/chat/room/room.svelte';
import RoomGone from '../../../src/chat/room/RoomGone.svelte';
import Farewells from '../../../src/chat/rooms/Farewells.svelte';
import type { Memberships } from '../../../src/chat/rooms/memberships.svelte';
import type { OpenRooms } from '../../../src/chat/rooms/openRooms.svelte';
import type { Me } from '../../../src/session/session.svelte';
import type { Drafts } from '../../../src/store/drafts';

const line = (state: Line['state']): Line => ({ account: 'ana', topic: 'rooms/gone', id: state, text: `It is ${state}.`, replyTo: null, at: 0, refusal: null, order: 1, state, logged: null });

/** One room that is gone, what is left there, and so much of the chat as these two draw. */
function roomWith(pending: Line[]) {
  const room = { id: 'gone', title: 'Gone', gone: 'removed', pending } as unknown as RoomState;
  const drafts = { has: () => false } as unknown as Drafts;
  const opened = new Map([['gone', room]]) as unknown as OpenRooms;
  const memberships = { farewells: [{ room: 'gone', title: 'Gone', how: 'removed' }], mayComeBack: () => false } as unknown as Memberships;
  return { room, drafts, opened, memberships };
}

afterEach(() => vi.useRealTimers());

describe('A room that is gone', () => {
  it('offers back what was not sent, and not what the log has', () => {
    const { room, drafts, memberships: ways } = roomWith([line('sent'), line('failed'), line('waiting')]);
    const { body } = render(RoomGone, { props: { room, me: { user: 'ana', kind: 'person' } as Me, ways, drafts, outbox: {} as Outbox } });
    expect(body.match(/It is \w+\./g)).toEqual(['It is failed.', 'It is waiting.']);
  });

  it('is said to hold something to take along only when something was not sent', () => {
    const leads = (...pending: Line[]) => render(Farewells, { props: roomWith(pending) }).body.includes('href="rooms/gone"');
    expect([leads(line('failed')), leads(line('sent'))]).toEqual([true, false]);
  });

  it('tells who was taken out how long to wait, and why, by whichever way they came to stand before it', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-30T20:00:00Z') });
    const kicked = { until: '2026-11-30T20:00:42Z', reason: 'Enough for now.' };
    for (const gone of ['removed', 'lost', null]) {
      const { room, drafts, memberships: ways } = roomWith([]);
      Object.assign(room, { gone, room: { id: 'gone', visibility: 'public', member: false, mine: false, kicked } });
      const { body } = render(RoomGone, { props: { room, me: { user: 'ana', kind: 'person' } as Me, ways, drafts, outbox: {} as Outbox } });
      expect(body).toContain('You were removed from Gone.');
      expect(body).toContain('Enough for now.');
      expect(body).toMatch(/role="timer">You can come in again in 0:42\.</);
    }
  });

  it('tells who is banned just now that they are, as it does whoever comes later', () => {
    for (const gone of ['removed', 'lost', null]) {
      const { room, drafts, memberships: ways } = roomWith([]);
      Object.assign(room, { gone, room: { id: 'gone', visibility: 'public', member: false, mine: false, banned: { reason: 'Enough.' } } });
      const { body } = render(RoomGone, { props: { room, me: { user: 'ana', kind: 'person' } as Me, ways, drafts, outbox: {} as Outbox } });
      expect(body).toContain('You are banned from Gone.');
      expect(body).toContain('Enough.');
    }
  });

  it('has wait before a full room only whom it lets in again by itself', () => {
    const body = (gone: RoomState['gone']) => {
      const { room, drafts } = roomWith([]);
      Object.assign(room, { gone, room: { id: 'gone', visibility: 'public', member: false, mine: false, people: 2, rules: { capacity: 2 } } });
      const ways = { mayComeBack: () => true } as unknown as Memberships;
      return render(RoomGone, { props: { room, me: { user: 'ana', kind: 'person' } as Me, ways, drafts, outbox: {} as Outbox } }).body;
    };
    for (const gone of ['lost', null] as const) expect(body(gone)).toMatch(/Gone is full\.[\s\S]*stay here/);
    expect(body('removed')).toContain('You were removed from Gone.');
    expect(body('removed')).not.toContain('stay here');
  });

  it('has nobody wait for longer than the server does, whatever this clock says', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-30T19:00:00Z') });
    const { room, drafts, memberships: ways } = roomWith([]);
    Object.assign(room, { room: { id: 'gone', visibility: 'public', member: false, mine: false, kicked: { until: '2026-11-30T20:00:42Z' } } });
    expect(render(RoomGone, { props: { room, me: { user: 'ana', kind: 'person' } as Me, ways, drafts, outbox: {} as Outbox } }).body).toContain('You can come in again in 1:00.');
  });
});
