import { byName } from '../../lib/byName';
import { searchFor } from '../../lib/searchText';
import type { Room } from '../model/protocol';

export interface RoomList {
  favourites: Room[];
  mine: Room[];
  /** Public ones that the account has not come into. */
  others: Room[];
}

/**
 * The rooms in the order in which they stand in the column: by name alone, so that nothing jumps when people come or something is said; those that are archived at the end.
 * `filter` is what the reader looks for.
 */
export function arrange(rooms: readonly Room[], isMine: (room: Room) => boolean, isFavourite: (id: string) => boolean, filter = ''): RoomList {
  const isFound = searchFor(filter);
  const named = rooms.filter((room) => isFound(room.title));
  const list: RoomList = { favourites: [], mine: [], others: [] };
  // An address is looked for by who knows no name of it: most are made of the name, and in the others "58" stands by chance.
  for (const room of inOrder(named.length > 0 ? named : rooms.filter((entry) => isFound(entry.id)))) {
    if (!isMine(room)) list.others.push(room);
    else if (isFavourite(room.id)) list.favourites.push(room);
    else list.mine.push(room);
  }
  return list;
}

function inOrder(rooms: readonly Room[]): Room[] {
  return rooms.toSorted((one, other) => Number(one.rules?.archived ?? 0) - Number(other.rules?.archived ?? 0) || byName(one.title, other.title) || (one.id < other.id ? -1 : 1));
}
