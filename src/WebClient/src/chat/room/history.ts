import { call } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { readPage, type HistoryPage, type RoomEvent } from '../model/protocol';
import type { RoomLog } from './roomLog.svelte';

const pageLength = 50;
const longestPage = 500;
/** So many pages of 1 MiB have the 500 longest messages that there can be. */
const mostCatchUpPages = 20;
/** Read before a room is shown, to begin it where the new begins. Whoever missed more begins further below. */
const mostUnreadPages = 4;
/** Whoever reads on within this time is on the way to somewhere: each page is twice as long as the one before. */
const readsOnWithin = 3_000;
/** Shown above what is new, so that it can be read in its place. */
const readBefore = 20;

/** Milliseconds for which a page that was read ahead of the connection counts as the newest. */
const freshFor = 10_000;

/** Refused: the server does not let this account read. Failed: there was no answer, or none that helps. */
export type Read = 'done' | 'refused' | 'failed';

export interface HistoryUser {
  /** Below which the API has the log. */
  readonly path: string;
  /** What earlier visits and the list of rooms know of the reader's place is known. */
  readonly known: Promise<unknown>;
  /** The newest seq that a list told of; 0: none. */
  head(): number;
  /** The account is in it no more. */
  isOut(): boolean;
}

/** Reads one log from the server, page by page: the newest, what was missed, and what lies further above. */
export class History {
  /** The page above the first line. While it fails, the pause or the reader's button decides when it is asked for again, not the next drawing. */
  readonly above = new Retry();
  readonly #log: RoomLog;
  readonly #user: HistoryUser;
  readonly #older = { length: pageLength, at: 0 };
  /** When the newest page was taken ahead of the connection; null: it was not. */
  #ahead: Promise<number | null> = Promise.resolve(null);
  #stopped = false;

  constructor(log: RoomLog, user: HistoryUser) {
    this.#log = log;
    this.#user = user;
  }

  /** Shows the newest page while the connection is still being made: what comes live begins right behind it, as behind any page. */
  readAhead(): void {
    this.#ahead = this.#takeNewest();
  }

  /** Whether the newest page was taken ahead of the connection, and so lately that it still counts as the newest. Asked once: the next connection reads anew. */
  async takenAhead(): Promise<boolean> {
    const takenAt = await this.#ahead;
    this.#ahead = Promise.resolve(null);
    return takenAt !== null && performance.now() - takenAt < freshFor;
  }

  /** Reads on from the newest event known. Far behind, it starts over from the newest page. A page of long messages ends before the log does: there it goes on. */
  async catchUp(): Promise<Read> {
    for (let pages = 0; pages < mostCatchUpPages; pages++) {
      const answer = await this.#readNewer();
      if (answer !== 'more') return answer;
    }
    return 'failed';
  }

  /** What is new may begin further above than what was read so far. */
  async reachUnread(): Promise<void> {
    const { seen, timeline } = this.#log;
    const { seq } = seen;
    for (let page = 0; page < mostUnreadPages; page++) {
      const { first } = timeline;
      if (seq === null || first === null || first <= seq + 1 || timeline.atStart) return;
      if ((await this.#readOlder(Math.min(longestPage, first - seq + readBefore))) !== 'done') return;
    }
  }

  /** One event, wherever it stands; null: there is none of this number, or it does not come. */
  async one(seq: number): Promise<RoomEvent | null> {
    const page = await this.#readPage(`after=${seq - 1}&limit=1`);
    const event = typeof page === 'string' ? undefined : page.events[0];
    return event?.seq === seq ? event : null;
  }

  loadOlder(): void {
    const { phase, timeline } = this.#log;
    if (this.above.trying || this.above.failures > 0 || phase !== 'ready' || timeline.first === null || timeline.atStart) return;
    void this.above.run(async () => {
      this.#older.length = Date.now() - this.#older.at < readsOnWithin ? Math.min(longestPage, this.#older.length * 2) : pageLength;
      const answer = await this.#readOlder(this.#older.length);
      this.#older.at = Date.now();
      this.#log.draw();
      return answer === 'done' ? 'done' : 'again';
    });
  }

  /** Nothing is asked any more, and what is answered later is not taken. */
  stop(): void {
    this.#stopped = true;
    this.above.stop();
  }

  async #takeNewest(): Promise<number | null> {
    const [page] = await Promise.all([this.#readPage(`limit=${this.#firstPageLength()}`), this.#user.known]);
    // What cannot be read ahead is read when the connection is there.
    if (this.#log.phase === 'refused' || typeof page === 'string') return null;
    const { last, epoch } = this.#log.timeline;
    if (last !== null && (page.epoch !== epoch || (page.events[0]?.seq ?? Infinity) > last + 1)) return null;
    await this.#take(page);
    return performance.now();
  }

  async #readNewer(): Promise<Read | 'more'> {
    const { timeline } = this.#log;
    const { last } = timeline;
    let page = await this.#readPage(last === null ? `limit=${this.#firstPageLength()}` : `after=${last}&limit=${longestPage}`);
    const isBehind = typeof page !== 'string' && last !== null && (page.head - last > longestPage || page.epoch !== timeline.epoch);
    if (isBehind) page = await this.#readPage(`limit=${pageLength}`);
    // What was asked before the account was put out may be answered after.
    if (this.#user.isOut()) return 'refused';
    if (typeof page === 'string') {
      if (page === 'failed' && this.#log.phase === 'joining') this.#log.phase = 'failed';
      return page;
    }
    await this.#take(page);
    return page.events.length > 0 && (timeline.last ?? 0) < page.head ? 'more' : 'done';
  }

  async #take(page: HistoryPage): Promise<void> {
    this.#log.addNewer(page);
    if (this.#log.phase === 'joining') await this.#beginAtLine();
    this.#log.phase = 'ready';
    this.#log.changed();
  }

  /** The reader is shown the room where the new begins, not its end and then the other. */
  async #beginAtLine(): Promise<void> {
    await this.reachUnread();
    if (this.#log.countUnread() > 0) this.#log.setLine(this.#log.seen.seq);
  }

  async #readOlder(length: number): Promise<Read> {
    const { first } = this.#log.timeline;
    // What is here was let go of meanwhile: there is nothing to read on from.
    if (first === null) return 'done';
    const page = await this.#readPage(`before=${first}&limit=${length}`);
    if (typeof page === 'string') return page;
    if (this.#log.addOlder(page)) return 'done';
    this.#log.timeline.restart();
    return this.catchUp();
  }

  /** Long enough to begin a little above what has not been read. */
  #firstPageLength(): number {
    const { seen } = this.#log;
    const head = Math.max(this.#user.head(), seen.head);
    const missed = seen.seq === null || head === 0 ? 0 : head - seen.seq + readBefore;
    return Math.min(longestPage, Math.max(pageLength, missed));
  }

  async #readPage(query: string): Promise<HistoryPage | 'refused' | 'failed'> {
    const answer = await call<unknown>('GET', `${this.#user.path}/events?${query}`);
    if (this.#stopped) return 'failed';
    if (!answer.ok) return answer.problem.status === 404 || answer.problem.status === 403 ? 'refused' : 'failed';
    return readPage(answer.value) ?? 'failed';
  }
}
