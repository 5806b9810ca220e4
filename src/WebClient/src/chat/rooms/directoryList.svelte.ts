import { callTagged, isRecord, type Tagged } from '../../lib/http';
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

/** Milliseconds without a further letter after which it is looked for. */
const lookAfter = 250;

/** The list of all rooms that the reader may see, page by page, as the server sorts it. */
export class DirectoryList {
  rooms = $state.raw<readonly ListedRoom[]>([]);
  /** The most used ones. */
  tags = $state.raw<readonly Tag[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** What is shown is not yet what is looked for. */
  looking = $state(false);
  wanted = $state.raw<Wanted>({ query: '', tag: null, sort: 'people' });
  readonly retry = new Retry();
  readonly #answers = new Map<string, Tagged<Page>>();
  #next = $state<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Looks for something else: for words when the reader pauses, else at once. */
  look(change: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...change };
    this.looking = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.read(), change.query === undefined ? 0 : lookAfter);
  }

  read = (): Promise<void> => this.retry.run(() => this.#read(null));

  more = async (): Promise<void> => {
    if (this.#next !== null && !this.looking) await this.#read(this.#next);
  };

  stop(): void {
    this.#asked++;
    clearTimeout(this.#timer);
    this.retry.stop();
  }

  async #read(cursor: string | null): Promise<Tried> {
    const asked = ++this.#asked;
    const { query, tag, sort } = this.wanted;
    const search = new URLSearchParams({ sort, limit: '50' });
    if (query.trim() !== '') search.set('query', query.trim());
    if (tag !== null) search.set('tag', tag);
    if (cursor !== null) search.set('cursor', cursor);
    const path = `/api/rooms?${search}`;
    const answer = await callTagged<Page>(path, this.#answers.get(path) ?? null);
    // Something else is looked for by now.
    if (asked !== this.#asked) return 'done';
    this.looking = false;
    if (!answer.ok) {
      if (this.rooms.length === 0) this.phase = 'failed';
      return 'again';
    }
    if (this.#answers.size > 20) this.#answers.clear();
    this.#answers.set(path, answer.value);
    this.#take(answer.value.value, cursor !== null);
    return 'done';
  }

  #take({ rooms, tags, next }: Page, isMore: boolean): void {
    const read = (Array.isArray(rooms) ? rooms : []).map(readListed).filter((room) => room !== null);
    // Rooms become busier between two pages.
    const known = new Set(isMore ? this.rooms.map((room) => room.id) : []);
    this.rooms = [...(isMore ? this.rooms : []), ...read.filter((room) => !known.has(room.id))];
    if (Array.isArray(tags)) this.tags = tags.filter(isTag);
    this.#next = typeof next === 'string' ? next : null;
    this.phase = 'ready';
  }
}

function readListed(value: unknown): ListedRoom | null {
  const room = readRoom(value);
  return room && isRecord(value) ? { ...room, active: typeof value['active'] === 'string' ? value['active'] : null } : null;
}

function isTag(value: unknown): value is Tag {
  return isRecord(value) && typeof value['tag'] === 'string' && typeof value['rooms'] === 'number';
}
