import { call } from '../../lib/http';
import { Retry, type Tried } from '../../lib/retry.svelte';
import { readInvitation, readRoom, type Invitation, type Reading, type Room } from '../model/protocol';

/** Kept for a visit without the server: nobody looks for more rooms than these there. */
const mostKept = 500;

/** The rooms that the account can see, as the server lists them when it is asked, and which of them it is in, as the server tells meanwhile. */
export class RoomDirectory {
  rooms = $state.raw<Room[]>([]);
  /** The rooms that the account is asked into and has not answered, the newest first. */
  invited = $state.raw<readonly Invitation[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** Asks for a list that did not come, again and again. */
  readonly retry = new Retry();
  /** Settles when the list has been asked for, whatever came of it, or when the server has told which rooms are the account's. */
  readonly known: Promise<void>;

  /** What the list says of how far the account has read in a room. */
  readonly #told: (room: string, reading: Reading, head: number) => void;
  /** The list has changed, and is to be kept for the next visit. */
  readonly #changed: () => void;
  /** The rooms that the server has told to be this account's. */
  readonly #mine = new Set<string>();
  #isKnown!: () => void;
  #reading: Promise<Tried> | null = null;
  #readAgain = false;
  #readAt = 0;
  #stopped = false;

  constructor(told: (room: string, reading: Reading, head: number) => void, changed: () => void = () => {}) {
    this.#told = told;
    this.#changed = changed;
    this.known = new Promise((resolve) => (this.#isKnown = resolve));
  }

  /** What an earlier visit knew of the account's rooms, until the server is asked, or for as long as it cannot be. */
  restore(rooms: Room[]): void {
    if (this.rooms.length === 0 && this.phase !== 'ready') this.rooms = rooms;
  }

  get kept(): Room[] {
    return this.rooms.filter((room) => room.member).slice(0, mostKept);
  }

  get mine(): ReadonlySet<string> {
    return this.#mine;
  }

  /** Milliseconds since the list was read. */
  get age(): number {
    return Date.now() - this.#readAt;
  }

  find(id: string): Room | null {
    return this.rooms.find((room) => room.id === id) ?? null;
  }

  /** One call at a time; asked meanwhile, it reads again. A list that could not be read is asked for again after a while. */
  async read(): Promise<void> {
    if (this.#stopped) return;
    this.#readAgain = true;
    if (this.#reading === null) void this.retry.run(() => (this.#reading = this.#readToEnd()));
    await this.#reading;
  }

  stop(): void {
    this.#stopped = true;
    this.retry.stop();
  }

  /** The account is in these, too. Answers whether all of them are on the list. */
  join(ids: ReadonlySet<string>): boolean {
    for (const id of ids) this.#mine.add(id);
    const isNew = (room: Room) => !room.member && ids.has(room.id);
    if (this.rooms.some(isNew)) this.rooms = this.rooms.map((room) => (isNew(room) ? { ...room, member: true } : room));
    return this.rooms.reduce((missing, room) => (ids.has(room.id) ? missing - 1 : missing), ids.size) === 0;
  }

  /** The account is in these rooms and no others: the list may be older. */
  keepTo(ids: ReadonlySet<string>): void {
    for (const id of this.#mine) if (!ids.has(id)) this.#mine.delete(id);
    this.rooms = this.rooms.filter((room) => room.visibility === 'public' || !room.member || ids.has(room.id)).map((room) => ({ ...room, member: ids.has(room.id) }));
    this.#isKnown();
  }

  /** An invitation was answered. */
  answered(id: string): void {
    this.invited = this.invited.filter((invitation) => invitation.room !== id);
  }

  /** The account is in it no more, and then cannot see a private one. */
  leave(id: string, isDeleted: boolean): void {
    this.#mine.delete(id);
    const isOver = (room: Room) => room.id === id && (isDeleted || room.visibility === 'private');
    this.rooms = this.rooms.filter((room) => !isOver(room)).map((room) => (room.id === id ? { ...room, member: false, reading: null } : room));
    this.#changed();
  }

  /** Said by the room itself, while it is open: the list is not asked for again for the sake of one name. */
  rename({ id, title, topic, visibility }: Room): void {
    const listed = this.find(id);
    if (!listed || (title === listed.title && topic === listed.topic && visibility === listed.visibility)) return;
    this.rooms = this.rooms.map((room) => (room.id === id ? { ...room, title, topic, visibility } : room));
  }

  async #readToEnd(): Promise<Tried> {
    let tried: Tried;
    do {
      this.#readAgain = false;
      tried = await this.#readOnce();
    } while (this.#readAgain && !this.#stopped);
    this.#reading = null;
    return tried;
  }

  async #readOnce(): Promise<Tried> {
    const answer = await call<{ rooms?: unknown[]; invited?: unknown[] }>('GET', '/api/rooms');
    if (this.#stopped) return 'done';
    if (answer.ok) {
      const rooms = (answer.value.rooms ?? []).map(readRoom).filter((room) => room !== null);
      // It may have been asked for before a room was come into.
      this.rooms = rooms.map((room) => (this.#mine.has(room.id) ? { ...room, member: true } : room));
      this.invited = (answer.value.invited ?? []).map(readInvitation).filter((invitation) => invitation !== null);
      this.phase = 'ready';
      this.#changed();
      this.#readAt = Date.now();
      // What is told live is newer, and counts the own bots.
      for (const { id, reading, head } of this.rooms) if (reading && !this.#mine.has(id)) this.#told(id, reading, head);
    } else if (this.phase === 'loading') {
      this.phase = 'failed';
    }
    this.#isKnown();
    return answer.ok ? 'done' : 'again';
  }
}
