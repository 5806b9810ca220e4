import type { Reading } from './protocol';

/** What is known of the reading in a room that is not open. `head`: the newest seq heard of, 0 if none. */
export interface Counted extends Reading {
  head: number;
}

/**
 * What is known after the server has said how far the account has read. It says so about once a second, and what was read in this tab has not reached
 * it yet: the position never goes back, and what lies behind it cannot be more than there are events.
 */
export function newerReading(known: Counted | undefined, said: Reading, head: number): Counted {
  if (known?.epoch !== said.epoch) return { ...said, head };
  const newest = Math.max(known.head, head);
  if (said.seq >= known.seq) return { ...said, head: newest };
  return { ...known, head: newest, unread: Math.min(said.unread, Math.max(0, newest - known.seq)) };
}
