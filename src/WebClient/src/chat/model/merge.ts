import type { Author, RoomEvent } from './protocol';

export interface Reaction {
  emoji: string;
  from: Author[];
}

/** A message as it stands now, with what later events did to it. Never changed in place: what is drawn is drawn anew when it is another object. */
export interface Message extends RoomEvent {
  /** When it was last edited; null: never. */
  editedAt: string | null;
  deleted: boolean;
  reactions: readonly Reaction[];
}

export function toMessage(event: RoomEvent): Message {
  return { ...event, editedAt: null, deleted: false, reactions: [] };
}

/**
 * The message after an edit, a deletion or a reaction. Whoever wrote such an event was allowed to, or it would not be in the log. What changes
 * nothing, or is not known, answers the same object.
 */
export function changed(message: Message, event: RoomEvent): Message {
  if (message.deleted) return message;
  if (event.type === 'edit') return { ...message, text: event.text, editedAt: event.at };
  if (event.type === 'delete') return { ...message, deleted: true, text: '', reactions: [] };
  if (event.type === 'reaction' && event.emoji !== '') return withReaction(message, event);
  return message;
}

function withReaction(message: Message, { emoji, from }: RoomEvent): Message {
  const before = message.reactions.find((one) => one.emoji === emoji);
  if (!before) return { ...message, reactions: [...message.reactions, { emoji, from: [from] }] };
  if (before.from.some((author) => author.user === from.user)) return message;
  return { ...message, reactions: message.reactions.map((one) => (one === before ? { emoji, from: [...one.from, from] } : one)) };
}
