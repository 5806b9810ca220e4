import { describe, expect, it } from 'vitest';
import type { Room } from '../../../src/chat/model/protocol';
import { arrange } from '../../../src/chat/rooms/roomList';

function room(id: string, title: string, more: Partial<Room> = {}): Room {
  return { id, title, topic: '', visibility: 'public', people: 0, member: true, mine: false, head: 0, reading: null, ...more };
}

const titles = (rooms: readonly Room[]) => rooms.map((entry) => entry.title);
const mine = (entry: Room) => entry.member;
const none = () => false;

describe('the rooms column', () => {
  it('P16: stands in the order of names, whoever is where and whatever is said', () => {
    const rooms = [room('z', 'Zoo', { people: 90, head: 400 }), room('a', 'álgebra'), room('c', 'Casa 10', { people: 3 }), room('b', 'Casa 2'), room('e', 'Azul')];
    const before = titles(arrange(rooms, mine, none).mine);
    expect(before).toEqual(['álgebra', 'Azul', 'Casa 2', 'Casa 10', 'Zoo']);
    const livelier = rooms.toReversed().map((entry) => ({ ...entry, people: 100 - entry.people, head: entry.head + 7 }));
    expect(titles(arrange(livelier, mine, none).mine)).toEqual(before);
  });

  it('P16: orders rooms of one name by their address', () => {
    expect(arrange([room('b', 'Sala'), room('a', 'sala')], mine, none).mine.map((entry) => entry.id)).toEqual(['a', 'b']);
  });

  it('P16: has favourites first, and rooms that the account is not in last', () => {
    const list = arrange([room('a', 'A'), room('b', 'B'), room('c', 'C', { member: false })], mine, (id) => id !== 'a');
    expect([titles(list.favourites), titles(list.mine), titles(list.others)]).toEqual([['B'], ['A'], ['C']]);
  });

  it('P16, P25: is filtered without accents and case, also by the address', () => {
    const rooms = [room('musica', 'Música'), room('noite', 'Cinema'), room('x', 'Outra', { member: false })];
    const found = (filter: string) => Object.values(arrange(rooms, mine, none, filter)).flatMap(titles);
    expect(found('MUSICA')).toEqual(['Música']);
    expect(found('noi')).toEqual(['Cinema']);
    expect(found('m')).toEqual(['Cinema', 'Música']);
    expect(found('mu')).toEqual(['Música']);
    expect(found('out')).toEqual(['Outra']);
    expect(found('nothing')).toEqual([]);
  });
});
