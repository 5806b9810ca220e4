import { settled } from './merge';
import type { HistoryPage, RoomEvent } from './protocol';

/** Hears what joins the run and what leaves it, in order. */
export interface TimelineReader {
  appended(events: readonly RoomEvent[]): void;
  prepended(events: readonly RoomEvent[]): void;
  /** What lies before this seq was let go of. */
  droppedBefore(seq: number): void;
  /** The run was forgotten. */
  cleared(): void;
}

/**
 * What this page knows of one room's log: a run of events without holes. However events arrive (live, by page, from an earlier visit, twice,
 * too early), each is held once, in seq order. Every type counts, so that one which is not known leaves no hole.
 */
export class Timeline {
  readonly #reader: TimelineReader;
  #epoch: string | null = null;
  #events: RoomEvent[] = [];
  #oldest = 1;
  /** The seq that would continue the run; null until a first page has been read. */
  #next: number | null = null;
  /** Live events beyond the run: shown as soon as what lies between has been read. */
  #ahead = new Map<number, RoomEvent>();

  constructor(reader: TimelineReader) {
    this.#reader = reader;
  }

  /** Grows in place. */
  get events(): readonly RoomEvent[] {
    return this.#events;
  }

  get epoch(): string | null {
    return this.#epoch;
  }

  get first(): number | null {
    return this.#events[0]?.seq ?? null;
  }

  /** The newest seq that has been read, drawn or not; null before the first page. With the epoch, the place from which to catch up. */
  get last(): number | null {
    return this.#next === null ? null : this.#next - 1;
  }

  /** The oldest seq that the server keeps. */
  get oldest(): number {
    return this.#oldest;
  }

  /** There is nothing older to read. Of an empty log, the oldest seq is 0. */
  get atStart(): boolean {
    return this.#next !== null && (this.first ?? 1) <= Math.max(1, this.#oldest);
  }

  /** True when live events wait for others that have to be read first. */
  get hasGap(): boolean {
    return this.#ahead.size > 0;
  }

  /** The event of this number; undefined: it is not here. */
  at(seq: number): RoomEvent | undefined {
    const first = this.first;
    return first === null ? undefined : this.#events[seq - first];
  }

  /** A live event. Answers whether it joined the run; if not, either it was known or `hasGap` says that a page is wanted. */
  receive(event: RoomEvent): boolean {
    if (this.#epoch !== null && event.epoch !== this.#epoch) this.restart();
    if (this.#next !== null && event.seq < this.#next) return false;
    this.#ahead.set(event.seq, event);
    return this.#drain();
  }

  /** The newest page, or one that begins right after `last`: it continues the run, or replaces it when there is a hole between. */
  addNewer(page: HistoryPage): void {
    if (this.#epoch !== null && this.#epoch !== page.epoch) this.restart();
    this.#epoch = page.epoch;
    this.#oldest = page.first;
    const begins = page.events[0]?.seq;
    if (begins !== undefined && this.#next !== null && begins > this.#next) this.#clear();
    const next = this.#next;
    this.#append(page.events.filter((event) => next === null || event.seq >= next));
    this.#next = Math.max(next ?? 1, (page.events.at(-1)?.seq ?? page.head) + 1);
    for (const [seq, event] of this.#ahead) if (seq < this.#next || event.epoch !== page.epoch) this.#ahead.delete(seq);
    this.#drain();
    // What the server keeps no more is not kept here either.
    this.trim(this.#next - page.first);
  }

  /**
   * A page that ends right before `first`. One that does not was asked for before `first` moved, and is passed over. Answers false when it belongs to
   * another life of the log and a new start is wanted.
   */
  addOlder(page: HistoryPage): boolean {
    if (page.epoch !== this.#epoch) return false;
    this.#oldest = page.first;
    const first = this.first;
    const older = first === null ? [] : page.events.filter((event) => event.seq < first);
    if (older.length === 0 || older.at(-1)!.seq !== first! - 1) return true;
    // What was replaced or deleted while the page was on its way stands in it as it was.
    const since = this.#events.filter(({ seq, type }) => seq > page.head && (type === 'edit' || type === 'delete'));
    const now = older.map((event) => since.reduce(settled, event));
    this.#events.unshift(...now);
    this.#reader.prepended(now);
    return true;
  }

  /** Lets go of the oldest events; scrolling up reads them again. */
  trim(keep: number): void {
    if (this.#events.length <= keep) return;
    this.#events.splice(0, this.#events.length - keep);
    this.#reader.droppedBefore(this.#events[0]?.seq ?? Infinity);
  }

  /** Forgets the run and what waited for it. */
  restart(): void {
    this.#epoch = null;
    this.#next = null;
    this.#ahead.clear();
    this.#clear();
  }

  #append(events: readonly RoomEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) {
      // What was replaced or deleted is not kept, also where nobody looks.
      if (event.type === 'edit' || event.type === 'delete') this.#settle(event);
      this.#events.push(event);
    }
    this.#reader.appended(events);
  }

  #settle(change: RoomEvent): void {
    if (change.over) return;
    for (let index = 0; index < this.#events.length; index++) this.#events[index] = settled(this.#events[index]!, change);
  }

  #clear(): void {
    this.#events = [];
    this.#reader.cleared();
  }

  /** Moves what continues the run out of `#ahead`. */
  #drain(): boolean {
    const joined: RoomEvent[] = [];
    for (let event = this.#nextAhead(); event; event = this.#nextAhead()) {
      this.#ahead.delete(event.seq);
      this.#next = event.seq + 1;
      joined.push(event);
    }
    this.#append(joined);
    return joined.length > 0;
  }

  #nextAhead(): RoomEvent | undefined {
    return this.#next === null ? undefined : this.#ahead.get(this.#next);
  }
}
