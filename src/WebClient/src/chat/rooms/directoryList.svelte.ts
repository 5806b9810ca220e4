import { backoff } from '../../lib/backoff';
import { callTagged, isRecord, type Answer, type Problem, type Tagged } from '../../lib/http';
import { Retry, type Tried } from '../../lib/retry.svelte';
import { readRoom, type Room } from '../model/protocol';

export const sorts = ['people', 'activity', 'name'] as const;
export type Sort = (typeof sorts)[number];

/** A room as the list of all rooms shows it. */
export interface ListedRoom extends Room {
  /** The hour in which something happened there last; null: the server does not say. */
  active: string | null;
}

export interface Tag {
  tag: string;
  rooms: number;
}

interface Page {
  rooms?: unknown;
  tags?: unknown;
  next?: unknown;
}

/** What the reader looks for. */
interface Wanted {
  query: string;
  /** Null: whatever tags a room has. */
  tag: string | null;
  sort: Sort;
}

/** Milliseconds without a further letter, or change of rooms, after which it is looked for. */
const lookAfter = 250;

/** The list of all rooms that the reader may see, page by page, as the server sorts it. */
export class DirectoryList {
  rooms = $state.raw<readonly ListedRoom[]>([]);
  /** The most used ones. */
  tags = $state.raw<readonly Tag[]>([]);
  /** Nothing has come yet. */
  loading = $state(true);
  /** What is shown is not yet what is looked for. */
  looking = $state(false);
  /** What the last attempt had against it: a further page may be missing, or what is shown may be older. */
  problem = $state.raw<Problem | null>(null);
  wanted = $state.raw<Wanted>({ query: '', tag: null, sort: 'people' });
  readonly retry = new Retry((failures) => Math.max(backoff(failures), (this.problem?.retryAfter ?? 0) * 1_000));
  readonly #answers = new Map<string, Tagged<Page>>();
  #next = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  /** How many pages are shown. */
  #pages = 0;
  /** Rooms have changed since what is shown was asked for. */
  #isOld = false;
  /** What is shown is being read again. */
  #renewing: Promise<void> | null = null;

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Looks for something else: for words when the reader pauses, else at once. */
  look(change: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...change };
    this.looking = true;
    this.problem = null;
    this.stop();
    this.#timer = setTimeout(() => void this.read(), change.query === undefined ? 0 : lookAfter);
  }

  read = (): Promise<void> => {
    this.looking = true;
    return this.retry.run(() => this.#read(null, 1));
  };

  more = async (): Promise<void> => {
    await this.#renewing;
    const cursor = this.#next;
    if (cursor !== null && !this.looking && !this.retry.trying) await this.retry.run(() => this.#read(cursor, 1));
  };

  /** Rooms have changed: as many pages as are shown are read again, and put in their place. A page that is on its way comes first. */
  renew(): void {
    this.#isOld = true;
    if (!this.looking && !this.retry.trying) this.#renewLater();
  }

  stop(): void {
    this.#asked++;
    clearTimeout(this.#timer);
    this.retry.stop();
  }

  #renewLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // What is on its way by now comes first.
      if (!this.looking && !this.retry.trying) this.#renewing = this.retry.run(() => this.#read(null, this.#pages));
    }, lookAfter);
  }

  /** Pages from this one on; null: from the first, in the place of all that are shown. */
  async #read(cursor: string | null, pages: number): Promise<Tried> {
    const asked = ++this.#asked;
    if (cursor === null) this.#isOld = false;
    const read: Page[] = [];
    let next = cursor;
    do {
      const answer = await this.#ask(next);
      // Something else is looked for by now.
      if (asked !== this.#asked) return 'done';
      this.problem = answer.ok ? null : answer.problem;
      if (!answer.ok) {
        this.#isOld ||= cursor === null;
        return 'again';
      }
      read.push(answer.value);
      next = typeof answer.value.next === 'string' ? answer.value.next : null;
    } while (next !== null && read.length < pages);
    this.#take(read, next, cursor !== null);
    return 'done';
  }

  async #ask(cursor: string | null): Promise<Answer<Page>> {
    const { query, tag, sort } = this.wanted;
    const search = new URLSearchParams({ sort, limit: '50' });
    if (query.trim() !== '') search.set('query', query.trim());
    if (tag !== null) search.set('tag', tag);
    if (cursor !== null) search.set('cursor', cursor);
    const path = `/api/rooms?${search}`;
    const answer = await callTagged<Page>(path, this.#answers.get(path) ?? null);
    if (!answer.ok) return answer;
    if (this.#answers.size > 20) this.#answers.clear();
    this.#answers.set(path, answer.value);
    return { ok: true, value: answer.value.value };
  }

  #take(pages: readonly Page[], next: string | null, isMore: boolean): void {
    const rooms = new Map((isMore ? this.rooms : []).map((room) => [room.id, room]));
    for (const { rooms: listed, tags } of pages) {
      // Rooms become busier between two pages.
      for (const room of (Array.isArray(listed) ? listed : []).map(readListed)) if (room && !rooms.has(room.id)) rooms.set(room.id, room);
      if (Array.isArray(tags)) this.tags = tags.filter(isTag);
    }
    this.rooms = [...rooms.values()];
    this.#next = next;
    this.#pages = pages.length + (isMore ? this.#pages : 0);
    this.loading = false;
    if (!isMore) this.looking = false;
    if (this.#isOld) this.#renewLater();
  }
}

function readListed(value: unknown): ListedRoom | null {
  const room = readRoom(value);
  return room && isRecord(value) ? { ...room, active: typeof value['active'] === 'string' ? value['active'] : null } : null;
}

function isTag(value: unknown): value is Tag {
  return isRecord(value) && typeof value['tag'] === 'string' && typeof value['rooms'] === 'number';
}
