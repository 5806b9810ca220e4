import { renamed } from './naming';
import type { Author, Reaction, RoomEvent } from './protocol';

/** A message as it stands now, with what later events did to it. Never changed in place: what is drawn is drawn anew when it is another object. */
export interface Message extends RoomEvent {
  /** When it was last edited; null: never. */
  editedAt: string | null;
  deleted: boolean;
  reactions: readonly Reaction[];
}

/** So many of those who reacted are named, as in pages of history. */
const mostNamed = 20;

/** Of a message, or of what stands in the place of one that was deleted. */
export function toMessage(event: RoomEvent): Message {
  return { ...event, editedAt: event.edited?.at ?? null, deleted: event.type === 'removed', reactions: event.reactions ?? [] };
}

/**
 * The message after an edit, a deletion or a reaction. Whoever wrote such an event was allowed to, or it would not be in the log. What changes
 * nothing, or is not known, answers the same object.
 *
 * @param me The reader's user name.
 */
export function changed(message: Message, event: RoomEvent, me: string): Message {
  if (message.deleted) return message;
  if (event.type === 'edit') return event.over || event.seq <= (message.edited?.seq ?? 0) ? message : edited(message, event);
  if (event.type === 'delete') return removed(message, event.from);
  // The page that the message came with has counted it.
  if (event.type !== 'reaction' || event.emoji === '' || event.seq <= (message.asOf ?? 0)) return message;
  const reactions = reacted(message.reactions, event.emoji, event.off !== true, event.from, me);
  return reactions === message.reactions ? message : { ...message, reactions };
}

/** The reactions after one more, or one that was taken back; the same if nothing changes by it. */
export function reacted(reactions: readonly Reaction[], emoji: string, on: boolean, by: Author, me: string): readonly Reaction[] {
  const before = reactions.find((one) => one.emoji === emoji);
  const isMine = by.user === me;
  const isNamed = before?.users.some((author) => author.user === by.user) ?? false;
  const isThere = isNamed || (isMine && before?.mine === true);
  if (on) {
    if (isThere) return reactions;
    if (!before) return [...reactions, { emoji, count: 1, users: [by], mine: isMine }];
    const users = before.users.length < mostNamed ? [...before.users, by] : before.users;
    return reactions.map((one) => (one === before ? { emoji, count: before.count + 1, users, mine: before.mine || isMine } : one));
  }
  // Of many only the first are named: whoever is not may be one of the others.
  if (!before || (!isThere && before.count <= before.users.length)) return reactions;
  const after = { emoji, count: before.count - 1, users: before.users.filter((author) => author.user !== by.user), mine: before.mine && !isMine };
  return reactions.flatMap((one) => (one !== before ? [one] : after.count > 0 ? [after] : []));
}

/** An event of the log as it is after this edit or deletion: what was replaced is kept nowhere. Answers the same object where nothing changes, as by a reaction. */
export function settled(event: RoomEvent, change: RoomEvent): RoomEvent {
  if (change.type !== 'edit' && change.type !== 'delete') return event;
  const { of, seq } = change;
  const isDeleted = change.type === 'delete';
  if (event.seq === of && event.type === 'message') {
    if (isDeleted) return withoutWords({ ...event, type: 'removed', by: change.from });
    return seq <= (event.edited?.seq ?? 0) ? event : { ...renamed(event, change), text: change.text, edited: { seq, at: change.at } };
  }
  if (event.type === 'edit' && event.of === of && event.seq < seq && !event.over) return { ...event, text: '', over: true };
  return requoted(event, change);
}

/** An answer after the edit or deletion of what it answers: what it quotes follows. */
export function requoted<E extends RoomEvent>(event: E, { type, of, text }: RoomEvent): E {
  if (event.replyTo !== of || event.quote === undefined || (type !== 'edit' && type !== 'delete')) return event;
  if (type === 'edit') return { ...event, quote: { ...event.quote, text: excerpt(text) } };
  const answer = { ...event };
  delete answer.quote;
  return answer;
}

/** What is shown of a message that is answered, in characters as people count them, roughly: the server's excerpts are as long. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  const scalars = [...line.slice(0, 400)];
  return scalars.length > 160 ? `${scalars.slice(0, 159).join('')}…` : line;
}

function edited(message: Message, event: RoomEvent): Message {
  const { seq, text, at } = event;
  return { ...renamed(message, event), text, editedAt: at, edited: { seq, at } };
}

function removed(message: Message, by: Author): Message {
  return { ...withoutWords(message), by, deleted: true, editedAt: null, reactions: [] };
}

type Words = 'quote' | 'reactions' | 'edited' | 'action' | 'mentions' | 'everyone' | 'roll' | 'via';

function withoutWords<E extends RoomEvent>(event: E): Omit<E, Words> {
  const { quote: _quote, reactions: _reactions, edited: _edited, action: _action, mentions: _mentions, everyone: _everyone, roll: _roll, via: _via, ...left } = event;
  return { ...left, text: '', replyTo: null };
}
