import { SvelteMap } from 'svelte/reactivity';
import { callTagged, type Answer, type Tagged } from '../../lib/http';
import { Retry, type Tried } from '../../lib/retry.svelte';
import { readInvitation, readRoom, type Invitation, type Reading, type Room } from '../model/protocol';

/** Kept for a visit without the server: nobody looks for more rooms than these there. */
const mostKept = 500;

/** Which of all rooms are shown before anybody looks for one, and all that are the account's. The document's first script asks for the same. */
const listed = '/api/rooms?limit=50';
const own = '/api/rooms?mine=true&limit=200';
/** Milliseconds without a further letter after which it is looked for. */
const lookAfter = 250;
/** Rooms that were found by looking and are not kept to: whoever looks on begins anew. */
const mostFound = 2_000;

interface ListPage {
  rooms?: unknown[];
  invited?: unknown[];
  next?: unknown;
}

/**
 * The rooms that the account is in, the busiest of the others, and those that were looked for, as the server lists them when it is asked; and which of them the account is in, as
 * the server tells meanwhile. Nobody asks for all rooms there are.
 */
export class RoomDirectory {
  rooms = $state.raw<Room[]>([]);
  /** The rooms that the account is asked into and has not answered, the newest first. */
  invited = $state.raw<readonly Invitation[]>([]);
  /** What was looked for is not answered yet. */
  looking = $state(false);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** Asks for a list that did not come, again and again. */
  readonly retry = new Retry();
  /** Settles when the list has been asked for, whatever came of it, or when the server has told which rooms are the account's. */
  readonly known: Promise<void>;

  /** What the list says of how far the account has read in a room. */
  readonly #told: (room: string, reading: Reading, head: number) => void;
  /** The list has changed, and is to be kept for the next visit. `asOf`: when it was asked for, in milliseconds since 1970; null: it was not read anew. */
  readonly #changed: (asOf: number | null) => void;
  /** The rooms that the server has told to be this account's. */
  readonly #mine = new Set<string>();
  /** The ids of those that only looking has found. */
  readonly #found = new Set<string>();
  /** By what is looked for: where the server's list goes on; null: nowhere. Nothing looked for is all rooms. */
  readonly #next = new SvelteMap<string, string | null>();
  /** By what was asked for. */
  readonly #answers = new Map<string, Tagged<ListPage>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looked = '';
  #isKnown!: () => void;
  #reading: Promise<Tried> | null = null;
  #readAgain = false;
  #readAt = 0;
  #stopped = false;

  constructor(told: (room: string, reading: Reading, head: number) => void, changed: (asOf: number | null) => void = () => {}) {
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

  /** Looks for rooms that are not listed, when the reader pauses. */
  look(text: string): void {
    const query = text.trim();
    if (query === this.#looked) return;
    this.#looked = query;
    clearTimeout(this.#timer);
    this.looking = query !== '' && !this.#next.has(query);
    if (this.looking) this.#timer = setTimeout(() => void this.more(query).then(() => (this.looking &&= this.#looked !== query)), lookAfter);
  }

  /** Whether the server has more of what is looked for. */
  hasMore(text: string): boolean {
    return typeof this.#next.get(text.trim()) === 'string';
  }

  /** The next page of what is looked for. */
  async more(text: string): Promise<void> {
    const query = text.trim();
    const next = this.#next.get(query);
    if (next === null || (next === undefined && query === '')) return;
    const search = new URLSearchParams({ limit: '50' });
    if (query !== '') search.set('query', query);
    if (next !== undefined) search.set('cursor', next);
    const answer = await callTagged<ListPage>(`/api/rooms?${search}`, null);
    if (this.#stopped || !answer.ok) return;
    this.#next.set(query, nextOf(answer.value.value));
    const known = new Set(this.rooms.map((room) => room.id));
    const found = this.#read([answer.value.value]).filter((room) => !known.has(room.id));
    for (const room of found) this.#found.add(room.id);
    if (found.length > 0) this.rooms = [...this.rooms, ...found];
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
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
    this.#changed(null);
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
    const asOf = Date.now();
    const [mine, others] = await Promise.all([this.#ownRooms(), this.#asked(listed)]);
    if (this.#stopped) return 'done';
    if (mine !== null && others !== null) {
      this.#take(mine, others);
      this.phase = 'ready';
      this.#changed(asOf);
      this.#readAt = Date.now();
      // What is told live is newer, and counts the own bots.
      for (const { id, reading, head } of this.rooms) if (reading && !this.#mine.has(id)) this.#told(id, reading, head);
    } else if (this.phase === 'loading') {
      this.phase = 'failed';
    }
    this.#isKnown();
    return mine !== null && others !== null ? 'done' : 'again';
  }

  #take(mine: readonly ListPage[], others: ListPage): void {
    const rooms = this.#read([...mine, others]);
    const isListed = new Set(rooms.map((room) => room.id));
    if (this.#found.size > mostFound) this.#found.clear();
    const found = this.rooms.filter((room) => this.#found.has(room.id) && !isListed.has(room.id) && room.visibility === 'public');
    this.rooms = [...rooms, ...found];
    this.invited = (mine[0]?.invited ?? []).map(readInvitation).filter((invitation) => invitation !== null);
    this.#next.clear();
    this.#next.set('', nextOf(others));
  }

  /** The rooms of these pages, each once. */
  #read(pages: readonly ListPage[]): Room[] {
    const rooms = new Map<string, Room>();
    for (const room of pages.flatMap((page) => page.rooms ?? []).map(readRoom)) if (room && !rooms.has(room.id)) rooms.set(room.id, room);
    // It may have been asked for before a room was come into.
    return [...rooms.values()].map((room) => (this.#mine.has(room.id) ? { ...room, member: true } : room));
  }

  /** Null: a page did not come. */
  async #ownRooms(): Promise<ListPage[] | null> {
    const pages: ListPage[] = [];
    for (let path: string | null = own; path !== null; ) {
      const page: ListPage | null = await this.#asked(path);
      if (page === null) return null;
      pages.push(page);
      const next: string | null = nextOf(page);
      path = next === null ? null : `${own}&cursor=${encodeURIComponent(next)}`;
    }
    return pages;
  }

  async #asked(path: string): Promise<ListPage | null> {
    const answer: Answer<Tagged<ListPage>> = await callTagged<ListPage>(path, this.#answers.get(path) ?? null);
    if (!answer.ok) return null;
    this.#answers.set(path, answer.value);
    return answer.value.value;
  }
}

function nextOf(page: ListPage): string | null {
  return typeof page.next === 'string' ? page.next : null;
}
