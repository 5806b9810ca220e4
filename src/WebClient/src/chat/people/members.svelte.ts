import { call, type Problem } from '../../lib/http';
import { readMember, type Member } from '../model/protocol';

/** Who is on a room's list, whether here or not: asked for page by page when somebody looks, since a room may have thousands. */
export class MembersState {
  /** In the order of their user names, as far as they were read. */
  list = $state.raw<readonly Member[]>([]);
  /** The server has more. */
  hasMore = $state(true);
  reading = $state(false);
  /** What the server had against the last page. */
  problem = $state.raw<Problem | null>(null);
  readonly #room: string;
  readonly #page: number | null;
  #next: string | null = null;

  /** `page`: how many are asked for at once, 1 to 200; null: as many as the server thinks fit. */
  constructor(room: string, page: number | null = null) {
    this.#room = room;
    this.#page = page;
  }

  /** From the beginning. */
  async read(): Promise<void> {
    this.#next = null;
    await this.#readOn(true);
  }

  async readMore(): Promise<void> {
    if (this.hasMore) await this.#readOn(false);
  }

  removed(user: string): void {
    this.list = this.list.filter((member) => member.user !== user);
  }

  async #readOn(anew: boolean): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    const query = new URLSearchParams({ ...(this.#page === null ? {} : { limit: String(this.#page) }), ...(this.#next === null ? {} : { after: this.#next }) });
    const answer = await call<{ members?: unknown[]; next?: unknown }>('GET', `/api/rooms/${this.#room}/members${query.size > 0 ? `?${query}` : ''}`);
    this.reading = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const page = (answer.value.members ?? []).map(readMember).filter((member) => member !== null);
    this.list = anew ? page : [...this.list, ...page];
    this.#next = typeof answer.value.next === 'string' ? answer.value.next : null;
    this.hasMore = this.#next !== null;
  }
}

/** Nobody looks through more pages. */
const mostPages = 5;

/** Who is on a room's list and matches this query, as far as five pages go. Null: a page did not come. */
export async function membersOf(room: string, query: string): Promise<Member[] | null> {
  const found: Member[] = [];
  let after = '';
  for (let page = 0; page < mostPages; page++) {
    const answer = await call<{ members?: unknown[]; next?: unknown }>('GET', `/api/rooms/${room}/members?${query}${after}`);
    if (!answer.ok) return null;
    found.push(...(answer.value.members ?? []).map(readMember).filter((member) => member !== null));
    if (typeof answer.value.next !== 'string') break;
    after = `&after=${encodeURIComponent(answer.value.next)}`;
  }
  return found;
}

/** Milliseconds for which the members of a room are taken to be the same. */
const sameFor = 60_000;

/** Who can be named in a room, whether here or not: the first thousand of its list, asked for when somebody begins to name one. */
export class NameableMembers {
  list = $state.raw<readonly Member[]>([]);
  readonly #room: string;
  /** When they were asked for last, in milliseconds since 1970. */
  #askedAt = 0;
  /** Of the reader's stay: what was asked for in an earlier one is not taken. */
  #stay = 0;

  constructor(room: string) {
    this.#room = room;
  }

  /** The reader is in the room, for the first time or after an absence: what is known is old. */
  cameIn(): void {
    this.#stay++;
    this.#askedAt = 0;
  }

  clear(): void {
    this.#stay++;
    this.list = [];
  }

  /** Each letter asks for this; the server is asked once a minute. What does not come leaves all as it is. */
  async look(): Promise<void> {
    if (Date.now() - this.#askedAt < sameFor) return;
    this.#askedAt = Date.now();
    const stay = this.#stay;
    const members = await membersOf(this.#room, 'limit=200');
    if (stay === this.#stay) this.list = members ?? this.list;
  }
}
