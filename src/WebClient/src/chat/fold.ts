import { isMessage, merge, type Message } from './merge';
import type { Author, RoomEvent } from './protocol';

/** What the timeline draws, top to bottom. `key` stays the same while a group or fold grows. */
export type Item =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | { kind: 'group'; key: string; from: Author; at: string; messages: Message[] }
  | { kind: 'presence'; key: string; came: Author[]; left: Author[]; at: string };

const groupWithin = 5 * 60_000;

/** Groups what one author says in a row, folds comings and goings, and sets days apart. `unreadAfter`: the last seq read before. */
export function fold(events: readonly RoomEvent[], unreadAfter: number | null): Item[] {
  const items: Item[] = [];
  let day = '';
  let unreadPlaced = false;
  for (const event of merge(events)) {
    if (event.type !== 'message' && event.type !== 'join' && event.type !== 'leave') continue;
    const eventDay = new Date(event.at).toDateString();
    if (eventDay !== day) {
      day = eventDay;
      items.push({ kind: 'day', key: `day-${event.seq}`, at: event.at });
    }
    if (!unreadPlaced && unreadAfter !== null && event.seq > unreadAfter && event.type === 'message') {
      unreadPlaced = true;
      items.push({ kind: 'unread', key: 'unread' });
    }
    const previous = items.at(-1);
    if (isMessage(event)) addMessage(items, previous, event);
    else addPresence(items, previous, event);
  }
  return items.filter((item) => item.kind !== 'presence' || item.came.length + item.left.length > 0);
}

function addMessage(items: Item[], previous: Item | undefined, event: Message): void {
  const last = previous?.kind === 'group' ? previous.messages.at(-1)! : null;
  const continues =
    previous?.kind === 'group' &&
    previous.from.user === event.from.user &&
    previous.from.name === event.from.name &&
    previous.from.kind === event.from.kind &&
    Date.parse(event.at) - Date.parse(last!.at) < groupWithin;
  if (continues) previous.messages.push(event);
  else items.push({ kind: 'group', key: `group-${event.seq}`, from: event.from, at: event.at, messages: [event] });
}

/** Somebody who left and came back within one fold has neither come nor left; who came and left again, left. */
function addPresence(items: Item[], previous: Item | undefined, event: RoomEvent): void {
  let presence = previous;
  if (presence?.kind !== 'presence') {
    presence = { kind: 'presence', key: `presence-${event.seq}`, came: [], left: [], at: event.at };
    items.push(presence);
  }
  const wasLeft = presence.left.some((author) => author.user === event.from.user);
  presence.came = without(presence.came, event.from.user);
  presence.left = without(presence.left, event.from.user);
  if (event.type === 'leave') presence.left.push(event.from);
  else if (!wasLeft) presence.came.push(event.from);
}

function without(authors: Author[], user: string): Author[] {
  return authors.filter((author) => author.user !== user);
}
