import type { Reading } from './protocol';

/** What is known of the reading in a room that is not open. `head`: the newest seq heard of, 0 if none. */
export interface Counted extends Reading {
  head: number;
  /** The newest seq that the server has named as read. */
  said?: number;
}

/**
 * What is known after the server has said how far the account has read. It says so about once a second, and what was read in this tab has not reached
 * it yet: the position does not go back, and what lies behind it cannot be more than there are events. Only if the server goes back behind what it said
 * itself, somebody wants it so.
 */
export function newerReading(known: Counted | undefined, reading: Reading, head: number): Counted {
  const said = reading.seq;
  if (known?.epoch !== reading.epoch) return { ...reading, head, said };
  const newest = Math.max(known.head, head);
  const mentions = reading.mentions ?? known.mentions ?? 0;
  if (said >= known.seq || isBack(known, reading)) return { ...reading, mentions, head: newest, said };
  return { ...known, head: newest, mentions, said, unread: Math.min(reading.unread, Math.max(0, newest - known.seq)) };
}

/** Whether the account has gone back on purpose, to have something unread again. */
export function isBack(known: Counted | undefined, { seq, epoch }: Reading): boolean {
  return known?.epoch === epoch && known.said !== undefined && seq < known.said;
}
