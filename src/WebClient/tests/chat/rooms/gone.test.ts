import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { Chat } from '../../../src/chat/chat.svelte';
import Farewells from '../../../src/chat/rooms/Farewells.svelte';
import type { Line } from '../../../src/chat/compose/outbox.svelte';
import type { RoomState } from '../../../src/chat/room/room.svelte';
import RoomGone from '../../../src/chat/room/RoomGone.svelte';

const line = (state: Line['state']): Line => ({ account: 'ana', topic: 'rooms/gone', id: state, text: `It is ${state}.`, replyTo: null, at: 0, refusal: null, order: 1, state, logged: null });

/** So much of a chat as these two draw, with one room that is gone and what is left there. */
function chatWith(pending: Line[]) {
  const room = { id: 'gone', title: 'Gone', gone: 'removed', pending } as unknown as RoomState;
  const chat = {
    drafts: { has: () => false },
    opened: new Map([['gone', room]]),
    farewells: [{ room: 'gone', title: 'Gone', how: 'removed' }],
    directory: { find: () => null },
  } as unknown as Chat;
  return { chat, room };
}

describe('A room that is gone', () => {
  it('offers back what was not sent, and not what the log has', () => {
    const { body } = render(RoomGone, { props: chatWith([line('sent'), line('failed'), line('waiting')]) });
    expect(body.match(/It is \w+\./g)).toEqual(['It is failed.', 'It is waiting.']);
  });

  it('is said to hold something to take along only when something was not sent', () => {
    const leads = (...pending: Line[]) => render(Farewells, { props: { chat: chatWith(pending).chat } }).body.includes('href="rooms/gone"');
    expect([leads(line('failed')), leads(line('sent'))]).toEqual([true, false]);
  });
});
