import type { Author, RoomEvent } from './protocol';

export interface Reaction {
  emoji: string;
  from: Author[];
}

/** A message as it stands now, with what later events did to it. */
export interface Message extends RoomEvent {
  /** When it was last edited; null: never. */
  editedAt: string | null;
  deleted: boolean;
  reactions: Reaction[];
}

/**
 * Applies edits, deletions and reactions to the messages that they are about. Whoever wrote such an event was allowed to, or it would not be in
 * the log. A run of events has no holes, so what happened to a message of it is in it too.
 */
export function merge(events: readonly RoomEvent[]): (RoomEvent | Message)[] {
  const messages = new Map<number, Message>();
  const merged: (RoomEvent | Message)[] = [];
  for (const event of events) {
    if (event.type === 'message') {
      const message: Message = { ...event, editedAt: null, deleted: false, reactions: [] };
      messages.set(event.seq, message);
      merged.push(message);
    } else if (event.of === null) {
      merged.push(event);
    } else {
      const message = messages.get(event.of);
      if (message) apply(message, event);
    }
  }
  return merged;
}

export function isMessage(event: RoomEvent | Message): event is Message {
  return event.type === 'message';
}

function apply(message: Message, event: RoomEvent): void {
  if (message.deleted) return;
  if (event.type === 'edit') {
    message.text = event.text;
    message.editedAt = event.at;
  } else if (event.type === 'delete') {
    message.deleted = true;
    message.text = '';
    message.reactions = [];
  } else if (event.type === 'reaction' && event.emoji !== '') {
    const reaction = message.reactions.find((one) => one.emoji === event.emoji);
    if (!reaction) message.reactions.push({ emoji: event.emoji, from: [event.from] });
    else if (!reaction.from.some((author) => author.user === event.from.user)) reaction.from.push(event.from);
  }
}
