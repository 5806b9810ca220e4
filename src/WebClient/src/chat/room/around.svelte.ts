import { call } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { readPage, type HistoryPage, type RoomEvent } from '../model/protocol';
import { RoomLog, type LogUser } from './roomLog.svelte';

const firstLength = 80;
const pageLength = 60;

/** What is shown: the place of a message, or what was said first from a day on. */
export type Place = { seq: number } | { day: string };

/** A part of a log that lies anywhere: read around one place, and on from there in both directions. The log itself goes on beside it. */
export class Around {
  readonly log: RoomLog;
  /**
   * Gone: there is no such message any more, and what stood around it is shown. Never: there was none, since the address is of another log or mistyped, and
   * the newest are shown.
   */
  phase = $state<'reading' | 'ready' | 'gone' | 'never' | 'refused' | 'failed'>('reading');
  /** The seq of the message that is meant; null: not known yet. */
  seq = $state<number | null>(null);
  /** Of a day: nothing was said on it, and what stands nearest is shown. */
  isOtherDay = $state(false);
  /** The end of the log is in this part: there is nothing newer to read. */
  atHead = $state(false);
  readonly above = new Retry();
  readonly below = new Retry();
  readonly place: Place;
  readonly #path: string;
  /** What was changed before the first page was here: that may be older. */
  #early: RoomEvent[] = [];
  #head = 0;
  #stopped = false;

  /** `path`: below which the API has the log. */
  constructor(path: string, place: Place, user: Pick<LogUser, 'me' | 'author' | 'outbox' | 'met'>) {
    this.#path = path;
    this.place = place;
    // What is on its way stands at the end of the room, and nothing of this part is kept for the next visit.
    this.log = new RoomLog({ ...user, topic: '', keep: () => {} });
  }

  async read(): Promise<void> {
    this.phase = 'reading';
    const { place } = this;
    const isNumber = 'seq' in place && Number.isSafeInteger(place.seq) && place.seq > 0;
    const answer = await this.#ask('seq' in place ? `${isNumber ? `around=${place.seq}&` : ''}limit=${firstLength}` : `at=${encodeURIComponent(startOf(place.day).toISOString())}&limit=${firstLength}`);
    if (this.#stopped) return;
    if (typeof answer === 'string') {
      this.phase = answer;
      return;
    }
    this.log.addNewer(answer.page);
    for (const event of this.#early.splice(0)) this.log.apply(event);
    this.#take(answer.page);
    const seq = 'seq' in place ? place.seq : (answer.at ?? answer.page.head);
    const meant = answer.page.events.find((event) => event.seq >= seq && event.type === 'message');
    const wasNever = 'seq' in place && (!isNumber || place.seq > answer.page.head);
    this.seq = wasNever ? null : 'seq' in place ? seq : (meant?.seq ?? seq);
    this.isOtherDay = 'day' in place && (answer.at === null || meant === undefined || Date.parse(meant.at) >= startOf(place.day, 1).getTime());
    this.phase = wasNever ? 'never' : 'seq' in place && meant?.seq !== seq ? 'gone' : 'ready';
  }

  readOlder(): void {
    const { timeline } = this.log;
    if (this.above.trying || this.above.failures > 0 || timeline.first === null || timeline.atStart) return;
    void this.above.run(() => this.#readMore(`before=${timeline.first}&limit=${pageLength}`, (page) => this.log.addOlder(page)));
  }

  readNewer(): void {
    const { timeline } = this.log;
    if (this.below.trying || this.below.failures > 0 || timeline.last === null || this.atHead) return;
    void this.below.run(() => this.#readMore(`after=${timeline.last}&limit=${pageLength}`, (page) => this.log.addNewer(page)));
  }

  /** What an event does to a message of this part, heard or read, is seen here as well. */
  change(event: RoomEvent): void {
    if (event.of === null) return;
    if (this.log.timeline.epoch === null) this.#early.push(event);
    else this.log.apply(event);
  }

  stop(): void {
    this.#stopped = true;
    this.above.stop();
    this.below.stop();
    this.log.stop();
  }

  async #readMore(query: string, add: (page: HistoryPage) => unknown): Promise<'done' | 'again'> {
    const answer = await this.#ask(query);
    if (this.#stopped) return 'done';
    if (answer === 'refused') this.phase = 'refused';
    if (typeof answer === 'string') return answer === 'refused' ? 'done' : 'again';
    add(answer.page);
    this.#take(answer.page);
    return 'done';
  }

  #take(page: HistoryPage): void {
    this.#head = Math.max(this.#head, page.head);
    this.log.phase = 'ready';
    this.log.changed();
    this.atHead = (this.log.timeline.last ?? 0) >= this.#head;
  }

  async #ask(query: string): Promise<{ page: HistoryPage; at: number | null } | 'refused' | 'failed'> {
    const answer = await call<unknown>('GET', `${this.#path}/events?${query}`);
    if (!answer.ok) return answer.problem.status === 404 || answer.problem.status === 403 ? 'refused' : 'failed';
    const page = readPage(answer.value);
    const at = (answer.value as { at?: unknown } | null)?.at;
    return page === null ? 'failed' : { page, at: typeof at === 'number' ? at : null };
  }
}

/** Midnight where the reader is, of the day or of one after it. */
function startOf(day: string, later = 0): Date {
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year ?? 1970, (month ?? 1) - 1, (date ?? 1) + later);
}
