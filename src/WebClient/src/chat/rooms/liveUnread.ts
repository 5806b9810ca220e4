import type { Link } from '../link/link';
import { readUnread, type Gone, type RoomUnread } from '../model/protocol';

/** A server that grants the topic and says nothing must not keep the rooms from opening. */
const patience = 10_000;

export interface LiveUnreadUser {
  readonly me: string;
  /** How much is unread in each of these rooms, as of its `head`: one, or all of them at once. */
  counted(rooms: readonly RoomUnread[]): void;
  gone(room: string, how: Gone): void;
  /** Said on each new link, when all its parts are here: the account is in these rooms and no others. */
  isIn(rooms: ReadonlySet<string>): void;
}

/** How much is unread in all rooms of the account, told by the server as it changes. It makes nobody present. */
export class LiveUnread {
  readonly #user: LiveUnreadUser;
  #rooms = new Set<string>();
  #parts = 0;
  #whole: (answer: 'granted' | 'lost') => void = () => {};

  constructor(user: LiveUnreadUser) {
    this.#user = user;
  }

  /** Answers when the account's rooms are known. Refused is what a server says that does not know the topic. */
  async attach(link: Link): Promise<'granted' | 'refused' | 'lost'> {
    this.detach();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const whole = new Promise<'granted' | 'lost'>((resolve) => {
      this.#whole = resolve;
      timer = setTimeout(() => resolve('granted'), patience);
    });
    const subscribed = await link.subscribe(`users/${this.#user.me}/unread`, 1);
    const answer = subscribed === 'granted' ? await whole : subscribed;
    clearTimeout(timer);
    return answer;
  }

  detach(): void {
    this.#whole('lost');
    this.#parts = 0;
    this.#rooms.clear();
  }

  receive(value: unknown): void {
    const said = readUnread(value);
    if (!said) return;
    for (const room of said.rooms) if ('gone' in room) this.#user.gone(room.room, room.gone);
    const counted = said.rooms.filter((room) => 'seq' in room);
    if (counted.length > 0) this.#user.counted(counted);
    if (said.all) this.#gather(said.rooms.filter((room) => !('gone' in room)), said.part, said.parts);
  }

  #gather(rooms: readonly { room: string }[], part: number, parts: number): void {
    if (part === 1) [this.#rooms, this.#parts] = [new Set(), 0];
    for (const { room } of rooms) this.#rooms.add(room);
    if (++this.#parts < parts) return;
    this.#user.isIn(this.#rooms);
    this.#whole('granted');
  }
}
