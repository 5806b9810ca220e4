import { isRecord } from '../../lib/http';
import { readAuthor, type Author } from './protocol';
import { readHeld } from './rules';

const types = ['mention', 'reply', 'report', 'request', 'reported', 'requested', 'kick', 'ban', 'unban', 'mute', 'unmute'] as const;
/** What moderators do to somebody, by the names of the commands. */
const moderation: ReadonlySet<string> = new Set(types.slice(6));

/**
 * Somebody has named or answered the reader: in which message, and how that begins. Or there is something to decide in a room that the reader looks after;
 * or what the reader has reported was looked at, or what was asked for is answered; or what a moderator did to the reader.
 */
export interface Calling {
  type: (typeof types)[number];
  /** Its place in the reader's own log of them. */
  seq: number;
  epoch: string;
  at: string;
  from: Author;
  room: string;
  /** The seq of the message in the room; 0: it is about none. */
  of: number;
  /** Only of who names or answers. */
  excerpt: string;
  /** Of `requested`: the reader is let in. */
  accepted?: true;
  /** Of what a moderator did: the room's title then, which the reader may see nowhere else. */
  title?: string;
  until?: string;
  reason?: string;
}

/** Null: nothing of the kind, or one that tells nothing any more. */
export function readCalling(value: unknown): Calling | null {
  if (!isRecord(value)) return null;
  const { seq, epoch, at, room, of = 0, excerpt, accepted, title } = value;
  const type = types.find((one) => one === value['type']);
  const from = readAuthor(value['from']);
  if (!type || !from || typeof seq !== 'number' || typeof epoch !== 'string' || typeof room !== 'string' || typeof of !== 'number') return null;
  return { type, seq, epoch, at: typeof at === 'string' ? at : '', from, room, of, excerpt: typeof excerpt === 'string' ? excerpt : '', ...(accepted === true && { accepted }), ...(isModeration(type) && { ...readHeld(value), ...(typeof title === 'string' && { title }) }) };
}

/** It is about what a message says to the reader, and read with the room. */
export function isOfMessage({ type }: Calling): boolean {
  return type === 'mention' || type === 'reply';
}

/** It was done to the reader, and is told also of a room that the reader is in no more. */
export function isModeration(type: string): boolean {
  return moderation.has(type);
}
