import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
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
});
