import type { Problem } from '../../lib/http';
import { call } from '../../lib/http';
import { readPresent, type Present } from '../model/protocol';

const pageLength = 100;
/** Milliseconds without a further letter after which it is looked for. */
const lookAfter = 250;

/** Everybody in a room that has too many to be told of each: read page by page, or those whom the reader looks for. As they were when they were read. */
export class CrowdState {
  list = $state.raw<readonly Present[]>([]);
  /** The server has more. */
  hasMore = $state(true);
  reading = $state(false);
  /** It was asked for, and is shown. */
  isOpen = $state(false);
  /** What the server had against the last page. */
  problem = $state.raw<Problem | null>(null);

  readonly #room: string;
  #search = '';
  #next: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** An answer to what was asked before is nobody's any more. */
  #asked = 0;

  constructor(room: string) {
    this.#room = room;
  }

  /** Nothing looked for is everybody, once they were asked for. */
  look(text: string): void {
    const search = text.trim();
    if (search === this.#search) return;
    this.#search = search;
    clearTimeout(this.#timer);
    this.#asked++;
    this.reading = search !== '' || this.isOpen;
    if (this.reading) this.#timer = setTimeout(() => void this.read(), lookAfter);
    else this.list = [];
  }

  /** From the beginning. */
  async read(): Promise<void> {
    this.isOpen ||= this.#search === '';
    this.#next = null;
    await this.#readOn(true);
  }

  /** One page at a time; one that failed is asked for again by the reader. */
  async readMore(): Promise<void> {
    if (this.hasMore && !this.reading && this.problem === null) await this.#readOn(false);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asked++;
  }

  async #readOn(anew: boolean): Promise<void> {
    const asked = ++this.#asked;
    this.reading = true;
    const query = new URLSearchParams({ limit: String(pageLength) });
    if (this.#search !== '') query.set('search', this.#search);
    if (this.#next !== null) query.set('after', this.#next);
    const answer = await call<{ people?: unknown[]; next?: unknown }>('GET', `/api/rooms/${this.#room}/people?${query}`);
    if (asked !== this.#asked) return;
    this.reading = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const page = (answer.value.people ?? []).map(readPresent).filter((person) => person !== null);
    const known = new Set(anew ? [] : this.list.map((person) => person.user));
    this.list = anew ? page : [...this.list, ...page.filter((person) => !known.has(person.user))];
    this.#next = typeof answer.value.next === 'string' ? answer.value.next : null;
    this.hasMore = this.#next !== null;
  }
}
