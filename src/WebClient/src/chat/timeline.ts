import type { HistoryPage, RoomEvent } from './protocol';

/** A message of ours that is not in the log yet, as far as this page knows. */
export interface Pending {
  id: string;
  text: string;
  /** Milliseconds since 1970, by this machine's clock: it orders pending lines among themselves only. */
  at: number;
  state: 'sending' | 'sent' | 'failed';
  /** Why it failed: the server's reason code and words. */
  reason: { code: number; text: string } | null;
}

/**
 * What this page knows of one room's log: a run of events without holes, and our own messages that are not part of it yet.
 * However events arrive (live, by page, twice, too early), each is held once, in seq order.
 */
export class Timeline {
  readonly #me: string;
  #epoch: string | null = null;
  #events: RoomEvent[] = [];
  #oldest = 1;
  /** The seq that would continue the run; null until a first page has been read. */
  #next: number | null = null;
  /** Live events beyond the run: shown as soon as what lies between has been read. */
  #ahead = new Map<number, RoomEvent>();
  #pending: Pending[] = [];

  constructor(me: string) {
    this.#me = me;
  }

  get events(): readonly RoomEvent[] {
    return this.#events;
  }

  get pending(): readonly Pending[] {
    return this.#pending;
  }

  get epoch(): string | null {
    return this.#epoch;
  }

  get first(): number | null {
    return this.#events[0]?.seq ?? null;
  }

  /** The newest seq that has been read, drawn or not; null before the first page. */
  get last(): number | null {
    return this.#next === null ? null : this.#next - 1;
  }

  /** There is nothing older to read. Of an empty log, the oldest seq is 0. */
  get atStart(): boolean {
    return this.#next !== null && (this.first ?? 1) <= Math.max(1, this.#oldest);
  }

  /** True when live events wait for others that have to be read first. */
  get hasGap(): boolean {
    return this.#ahead.size > 0;
  }

  /** A live event. Answers whether it joined the run; if not, either it was known or `hasGap` says that a page is wanted. */
  receive(event: RoomEvent): boolean {
    if (this.#epoch !== null && event.epoch !== this.#epoch) this.restart();
    if (this.#next !== null && event.seq < this.#next) {
      this.#settle(event);
      return false;
    }
    this.#ahead.set(event.seq, event);
    return this.#drain();
  }

  /** The newest page, or one that begins right after `last`: it continues the run, or replaces it when there is a hole between. */
  addNewer(page: HistoryPage): void {
    if (this.#epoch !== null && this.#epoch !== page.epoch) this.restart();
    this.#epoch = page.epoch;
    this.#oldest = page.first;
    const begins = page.events[0]?.seq;
    if (begins !== undefined && this.#next !== null && begins > this.#next) this.#startOver();
    const fresh = page.events.filter((event) => this.#next === null || event.seq >= this.#next);
    page.events.forEach((event) => this.#settle(event));
    this.#events = [...this.#events, ...fresh];
    this.#next = Math.max(this.#next ?? 1, (page.events.at(-1)?.seq ?? page.head) + 1);
    for (const [seq, event] of this.#ahead) if (seq < this.#next || event.epoch !== page.epoch) this.#ahead.delete(seq);
    this.#drain();
  }

  /** A page that ends right before `first`. Answers false when it belongs to another life of the log and a new start is wanted. */
  addOlder(page: HistoryPage): boolean {
    if (page.epoch !== this.#epoch) return false;
    this.#oldest = page.first;
    const first = this.first ?? Infinity;
    const older = page.events.filter((event) => event.seq < first);
    older.forEach((event) => this.#settle(event));
    this.#events = [...older, ...this.#events];
    return true;
  }

  /** Lets go of the oldest events; scrolling up reads them again. */
  trim(keep: number): void {
    if (this.#events.length > keep) this.#events = this.#events.slice(-keep);
  }

  /** Forgets the run and what waited for it, but never what we have still to send. */
  restart(): void {
    this.#epoch = null;
    this.#next = null;
    this.#ahead.clear();
    this.#startOver();
  }

  send(message: Pending): void {
    this.#pending = [...this.#pending, message];
  }

  /** The server has it on disk. The line stays, marked as sent, until its event arrives. */
  acknowledged(id: string): void {
    this.#change(id, (line) => ({ ...line, state: 'sent', reason: null }));
  }

  failed(id: string, reason: Pending['reason']): void {
    this.#change(id, (line) => ({ ...line, state: 'failed', reason }));
  }

  retry(id: string): Pending | null {
    this.#change(id, (line) => ({ ...line, state: 'sending', reason: null }));
    return this.#pending.find((line) => line.id === id) ?? null;
  }

  discard(id: string): void {
    this.#pending = this.#pending.filter((line) => line.id !== id);
  }

  #change(id: string, change: (line: Pending) => Pending): void {
    this.#pending = this.#pending.map((line) => (line.id === id ? change(line) : line));
  }

  /** What was acknowledged lies in the part that is skipped: it is in the log, and no event will come for it. */
  #startOver(): void {
    this.#events = [];
    this.#pending = this.#pending.filter((line) => line.state !== 'sent');
  }

  /** Our own message has arrived as an event: it takes the pending line's place. Others may use the same id. */
  #settle(event: RoomEvent): void {
    if (event.id !== null && event.from.user === this.#me && this.#pending.some((line) => line.id === event.id)) this.discard(event.id);
  }

  /** Moves what continues the run out of `#ahead`. */
  #drain(): boolean {
    const joined: RoomEvent[] = [];
    for (let event = this.#nextAhead(); event; event = this.#nextAhead()) {
      this.#ahead.delete(event.seq);
      this.#next = event.seq + 1;
      this.#settle(event);
      joined.push(event);
    }
    if (joined.length > 0) this.#events = [...this.#events, ...joined];
    return joined.length > 0;
  }

  #nextAhead(): RoomEvent | undefined {
    return this.#next === null ? undefined : this.#ahead.get(this.#next);
  }
}
