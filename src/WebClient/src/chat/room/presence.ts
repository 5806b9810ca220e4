import type { ListRow } from '../../lib/rowList';
import type { Author, RoomEvent } from '../model/protocol';

/** `more`: how many came and left beside, whom a rush does not name. */
export type PresenceRow = ListRow & { kind: 'presence'; events: readonly RoomEvent[]; came: readonly Author[]; left: readonly Author[]; more: { came: number; left: number } };

/** Whoever left and came back within one row has neither come nor left, and no more who came and left again: nobody has seen them come. */
export function presenceRow(events: readonly RoomEvent[], key: string): PresenceRow {
  const seen = new Map<string, { author: Author; first: string; last: string }>();
  for (const event of events) {
    for (const author of [event.from, ...(event.others ?? [])]) {
      const before = seen.get(author.user);
      seen.set(author.user, { author, first: before?.first ?? event.type, last: event.type });
    }
  }
  const everybody = [...seen.values()];
  return {
    kind: 'presence',
    key,
    order: events[0]!.seq,
    events,
    more: { came: sumOfMore(events, 'join'), left: sumOfMore(events, 'leave') },
    came: everybody.filter(({ first, last }) => last === 'join' && first === 'join').map(({ author }) => author),
    left: everybody.filter(({ first, last }) => last === 'leave' && first === 'leave').map(({ author }) => author),
  };
}

function sumOfMore(events: readonly RoomEvent[], type: string): number {
  return events.reduce((sum, event) => sum + (event.type === type ? (event.more ?? 0) : 0), 0);
}
