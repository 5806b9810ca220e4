import { isRecord } from '../../lib/http';
import { readAuthor, readEvent, readReading, type Author, type Reading, type RoomEvent } from './protocol';

/** One entry of the account's inbox: what was said or done in one of its conversations. */
export interface Told {
  /** With whom. */
  user: string;
  /** Its place in the inbox. */
  seq: number;
  epoch: string;
  /** As it stands in the conversation, whose seqs count there alone. */
  event: RoomEvent;
}

/** A conversation as the list has it. */
export interface Conversation extends Author {
  /** The other's account was erased. */
  gone: boolean;
  /** Of whom the account ignores no more is told. */
  ignored: boolean;
  /** When the newest message was said. */
  at: string;
  /** The newest seq, and the life of the log that it counts in. */
  head: number;
  epoch: string;
  /** Null: nothing was told of it. */
  reading: Reading | null;
  /** The newest message, or what stands in its place. */
  last: RoomEvent | null;
}

/** How much is unread in a conversation. */
export interface TalkUnread {
  user: string;
  head: number;
  reading: Reading;
}

export function readTold(value: unknown): Told | null {
  if (!isRecord(value) || typeof value['with'] !== 'string' || typeof value['seq'] !== 'number' || typeof value['epoch'] !== 'string') return null;
  // What the other says, and what one says oneself.
  const type = value['type'] === 'whisper' || value['type'] === 'sent' ? 'message' : value['type'];
  const event = readEvent({ ...value, type, seq: value['cseq'], epoch: value['cepoch'] });
  return event && { user: value['with'], seq: value['seq'], epoch: value['epoch'], event };
}

/** As the API lists it, and as a copy has kept it. */
export function readConversation(value: unknown): Conversation | null {
  const other = readAuthor(value);
  if (!other || !isRecord(value)) return null;
  return {
    ...other,
    gone: value['gone'] === true,
    ignored: value['ignored'] === true,
    at: typeof value['at'] === 'string' ? value['at'] : '',
    head: typeof value['head'] === 'number' ? value['head'] : 0,
    epoch: typeof value['epoch'] === 'string' ? value['epoch'] : '',
    reading: isRecord(value['read']) ? readReading({ ...value['read'], unread: unreadOf(value) }) : null,
    last: readEvent(value['last']),
  };
}

/** Those that have changed, of what is told of all that is unread. */
export function readTalkUnread(value: unknown): TalkUnread[] {
  if (!isRecord(value) || value['type'] !== 'unread' || !Array.isArray(value['conversations'])) return [];
  return value['conversations'].filter(isRecord).flatMap((entry): TalkUnread[] => {
    const reading = readReading({ ...entry, unread: unreadOf(entry) });
    return reading && typeof entry['user'] === 'string' ? [{ user: entry['user'], head: Number(entry['head'] ?? 0), reading }] : [];
  });
}

/** What the account's own bots say counts as well, as in rooms. */
function unreadOf(value: Record<string, unknown>): number {
  return Number(value['unread'] ?? 0) + Number(value['bots'] ?? 0);
}
