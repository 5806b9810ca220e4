import { isRecord } from '../../lib/http';
import { readAuthor, type Author } from './protocol';

/** Somebody has named or answered the reader: in which message, and how that begins. */
export interface Calling {
  type: 'mention' | 'reply';
  /** Its place in the reader's own log of them. */
  seq: number;
  epoch: string;
  at: string;
  from: Author;
  room: string;
  /** The seq of the message in the room. */
  of: number;
  excerpt: string;
}

/** Null: nothing of the kind, or one that tells nothing any more. */
export function readCalling(value: unknown): Calling | null {
  if (!isRecord(value) || (value['type'] !== 'mention' && value['type'] !== 'reply')) return null;
  const { type, seq, epoch, at, room, of, excerpt } = value;
  const from = readAuthor(value['from']);
  if (!from || typeof seq !== 'number' || typeof epoch !== 'string' || typeof room !== 'string' || typeof of !== 'number') return null;
  return { type, seq, epoch, at: typeof at === 'string' ? at : '', from, room, of, excerpt: typeof excerpt === 'string' ? excerpt : '' };
}
