import type { ListRow, RowList } from '../../lib/rowList';
import type { Author, RoomEvent } from '../model/protocol';
import type { Row } from './fold';

/** `more`: how many came and left beside, whom a rush does not name. */
export type PresenceRow = ListRow & { kind: 'presence'; events: readonly RoomEvent[]; came: readonly Author[]; left: readonly Author[]; more: { came: number; left: number } };

/**
 * Whoever left and came back within one row has neither come nor left, and no more who came and left again: nobody has seen them come.
 * `out`: user names of those whose leaving the line above has told.
 */
export function presenceRow(events: readonly RoomEvent[], key: string, out: ReadonlySet<string> = new Set()): PresenceRow {
  const seen = new Map<string, { author: Author; first: string; last: string }>();
  for (const event of events) {
    for (const author of [event.from, ...(event.others ?? [])]) {
      const before = seen.get(author.user);
      if (!before && event.type === 'leave' && out.has(author.user)) continue;
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

/** The row of these events at this place of the rows: that somebody has left whom an act right above has put out reads as if they wished to. */
export function presenceBelow(rows: RowList<Row>, index: number, events: readonly RoomEvent[], key: string): PresenceRow {
  const out = new Set<string>();
  for (let above = rows.at(index - 1); above?.kind === 'act'; above = rows.at(--index - 1)) {
    const { type, target } = above.event;
    if (target && (type === 'kick' || type === 'ban')) out.add(target.user);
  }
  return presenceRow(events, key, out);
}

/** The rows above this one are others than before. */
export function lookAbove(rows: RowList<Row>, index: number): void {
  while (rows.at(index)?.kind === 'act') index++;
  const row = rows.at(index);
  if (row?.kind === 'presence') rows.replace(index, presenceBelow(rows, index, row.events, row.key));
}

function sumOfMore(events: readonly RoomEvent[], type: string): number {
  return events.reduce((sum, event) => sum + (event.type === type ? (event.more ?? 0) : 0), 0);
}
