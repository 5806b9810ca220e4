import { describe, expect, it } from 'vitest';
import type { Link, Subscribed } from '../../../src/chat/link/link';
import { LiveUnread } from '../../../src/chat/rooms/liveUnread';

function listening(subscribed: Subscribed = 'granted') {
  const heard: string[] = [];
  const asked: string[] = [];
  const unread = new LiveUnread({
    me: 'ana',
    counted: (rooms) => heard.push(...rooms.map((room) => `${room.room} ${room.unread} of ${room.head}`)),
    gone: (room, how) => heard.push(`${room} ${how}`),
    isIn: (rooms) => heard.push(`in ${[...rooms].sort().join(' ')}`),
  });
  const link = { subscribe: async (filter: string) => (asked.push(filter), subscribed) } as unknown as Link;
  return { unread, heard, asked, attached: unread.attach(link) };
}

const entry = (room: string, unread = 0, bots = 0) => ({ room, head: 9, epoch: 'e', seq: 5, unread, bots });
const said = (rooms: unknown[], more = {}) => ({ v: 1, type: 'unread', rooms, ...more });

describe('LiveUnread', () => {
  it('P6: asks for one topic, and knows the rooms when all is said', async () => {
    const { unread, heard, asked, attached } = listening();
    unread.receive(said([entry('lobby', 2), entry('garden')], { all: true }));
    expect(await attached).toBe('granted');
    expect(asked).toEqual(['users/ana/unread']);
    expect(heard).toEqual(['lobby 2 of 9', 'garden 0 of 9', 'in garden lobby']);
  });

  it('P6, P15: adds what the own bots have said', async () => {
    const { unread, heard } = listening();
    unread.receive(said([entry('lobby', 2, 3)]));
    expect(heard).toEqual(['lobby 5 of 9']);
  });

  it('P11: waits for all parts before it calls a room lost, and begins anew with part 1', async () => {
    const { unread, heard, attached } = listening();
    const isIn = () => heard.filter((line) => line.startsWith('in '));
    unread.receive(said([entry('a')], { all: true, part: 1, parts: 2 }));
    expect(isIn()).toEqual([]);
    unread.receive(said([entry('b')], { all: true, part: 1, parts: 2 }));
    unread.receive(said([entry('c')], { all: true, part: 2, parts: 2 }));
    expect(await attached).toBe('granted');
    expect(isIn()).toEqual(['in b c']);
  });

  it('P11: takes a room without numbers for one that the account is in', async () => {
    const { unread, heard } = listening();
    unread.receive(said([{ room: 'busy' }, entry('lobby')], { all: true }));
    expect(heard).toEqual(['lobby 0 of 9', 'in busy lobby']);
  });

  it.each(['left', 'removed', 'deleted'])('P11: says that a room was %s', (how) => {
    const { unread, heard } = listening();
    unread.receive(said([{ room: 'garden', gone: how }]));
    expect(heard).toEqual([`garden ${how}`]);
  });

  it('does not wait where the server does not know the topic, or the link is lost', async () => {
    expect(await listening('refused').attached).toBe('refused');
    expect(await listening('lost').attached).toBe('lost');
    const { unread, attached } = listening();
    unread.detach();
    expect(await attached).toBe('lost');
  });

  it('ignores what is none of its messages', () => {
    const { unread, heard } = listening();
    for (const value of [undefined, null, 'x', {}, said([null, {}, { room: 7 }]), { ...said([entry('a')]), type: 'read' }]) unread.receive(value);
    expect(heard).toEqual([]);
  });
});
