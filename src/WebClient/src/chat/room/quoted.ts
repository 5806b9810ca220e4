import type { Message } from '../model/merge';
import type { Author, RoomEvent } from '../model/protocol';
import { shownOf } from '../model/shown';

/** The line above an answer. */
export interface Quoted {
  /** Of the message that is answered. */
  seq: number;
  /** Whose it is; null: nobody knows by now. A user name alone, where the message is not here. */
  from: Author | { user: string } | null;
  /** What a hook's caller called itself, where the message is here. */
  via?: string | undefined;
  /** Null: it was deleted, or cannot be read. */
  text: string | null;
}

/**
 * What an answer quotes: the message itself where it is here, so that the quote follows its edits and its end; else what the server wrote out, as
 * far as nothing is known to have happened since.
 *
 * @param original The message, if it is here.
 * @param changes What is known to have happened to it, oldest first.
 */
export function quoted({ replyTo, quote }: Message, original: Message | null, changes: readonly RoomEvent[]): Quoted {
  const seq = replyTo!;
  if (original) return { seq, from: original.from, via: original.via, text: original.deleted ? null : shownOf(original.text) };
  const from = quote ? { user: quote.user } : null;
  if (!quote || changes.some((event) => event.type === 'delete')) return { seq, from, text: null };
  const edit = changes.findLast((event) => event.type === 'edit' && !event.over);
  return { seq, from, text: shownOf(edit?.text ?? quote.text) };
}
