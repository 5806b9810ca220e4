import { call, type Answer, type Problem } from '../../lib/http';
import { Meanwhile } from '../model/meanwhile';
import { settled } from '../model/merge';
import { readEvent, type RoomEvent } from '../model/protocol';

export interface Hit {
  key: string;
  event: RoomEvent;
  found: (readonly [number, number])[];
}

/** Where is searched, and where a hit stands: a room's id, or the conversation with somebody, `@` before the name; empty: nowhere in particular. */
export type Place = string;

/** The other's user name; null: it is no conversation. */
export const otherOf = (place: Place): string | null => (place.startsWith('@') ? place.slice(1) : null);

/** Where what is said there is published. */
export function topicOf(place: Place): string {
  const other = otherOf(place);
  return other === null ? `rooms/${place}` : `users/${other}`;
}

export type Order = 'newest' | 'best';

interface Found {
  hits: Hit[];
  next: string | null;
  partial: boolean;
  building: boolean;
}

/** Milliseconds for which an answer is as it is now: the pane may come after it. */
const freshFor = 5_000;

/** What is looked for, and what was found. It outlives a change of rooms: whoever opens a hit goes on from there. */
export class SearchState {
  text = $state('');
  /** In all rooms that may be read and all conversations; else in the one that is open. */
  everywhere = $state(false);
  order = $state<Order>('newest');
  hits = $state.raw<readonly Hit[]>([]);
  /** What was last looked for; null: nothing yet. */
  asked = $state<string | null>(null);
  searching = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** There was no time to look everywhere, or the server is still making its index. */
  isPartial = $state(false);
  hasMore = $state(false);
  #query = '';
  #next: string | null = null;
  /** The newest question: what others are answered is not wanted any more. */
  #question = 0;
  readonly #meanwhile = new Meanwhile();
  #looking = 0;
  /** When what was found was answered, by `performance.now()`. */
  #at = -Infinity;

  /** `place`: the one that is open; empty: none is, and all are searched. */
  async search(place: Place): Promise<void> {
    const text = this.text.trim();
    if (text === '') return this.clear();
    this.#query = new URLSearchParams({ q: text, order: this.order, limit: '20', ...(this.everywhere ? {} : within(place)) }).toString();
    this.asked = text;
    this.#putAway();
    await this.#ask(null);
  }

  /** What was found is asked for anew, from the beginning: what was changed or deleted in rooms that are not open, nobody tells. */
  async refresh(): Promise<void> {
    if (this.#looking > 0 && this.asked !== null && !this.searching) await this.#ask(null);
  }

  /** Somebody looks at what was found, as it is now. Answers what to do when they do not any more: then it is not kept. */
  look(): () => void {
    this.#looking++;
    if (performance.now() - this.#at > freshFor) void this.refresh();
    return () => {
      if (--this.#looking === 0) this.#putAway();
    };
  }

  #putAway(): void {
    this.#question++;
    this.#at = -Infinity;
    [this.hits, this.searching, this.hasMore, this.problem] = [[], false, false, null];
  }

  async more(): Promise<void> {
    if (this.#next !== null && !this.searching) await this.#ask(this.#next);
  }

  async again(): Promise<void> {
    await this.#ask(this.hits.length > 0 ? this.#next : null);
  }

  clear(): void {
    this.#putAway();
    [this.text, this.asked] = ['', null];
  }

  /** An edit or a deletion of what may have been found. Where the words stand in the new text, nobody has looked. */
  follow(topic: string, change: RoomEvent): void {
    this.#meanwhile.do(() => this.#change(topic, change));
  }

  /** It may not be read any more. */
  lose(topic: string): void {
    this.#meanwhile.do(() => (this.hits = this.hits.filter(({ event }) => topicOf(event.room) !== topic)));
  }

  #change(topic: string, change: RoomEvent): void {
    const { of, type } = change;
    if (!this.hits.some(({ event }) => topicOf(event.room) === topic && event.seq === of)) return;
    const after = this.hits.map((hit) => {
      const event = topicOf(hit.event.room) === topic ? settled(hit.event, change) : hit.event;
      return event === hit.event ? hit : { ...hit, event, found: [] };
    });
    this.hits = type === 'delete' ? after.filter(({ event }) => event.type !== 'removed') : after;
  }

  async #ask(cursor: string | null): Promise<void> {
    const question = ++this.#question;
    this.searching = true;
    this.problem = null;
    const path = `/api/search?${this.#query}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    await this.#meanwhile.until(call<unknown>('GET', path), (answer) => {
      if (question === this.#question) this.#take(answer, cursor === null ? [] : this.hits);
    });
  }

  #take(answer: Answer<unknown>, before: readonly Hit[]): void {
    this.searching = false;
    if (!answer.ok) {
      this.problem = answer.problem;
      return;
    }
    const { hits, next, partial, building } = readAnswer(answer.value);
    this.#at = performance.now();
    const known = new Set(before.map((hit) => hit.key));
    this.hits = [...before, ...hits.filter((hit) => !known.has(hit.key))];
    this.#next = next;
    this.hasMore = next !== null;
    this.isPartial = partial || building;
  }
}

function within(place: Place): Record<string, string> {
  const other = otherOf(place);
  return other !== null ? { with: other } : place === '' ? {} : { room: place };
}

function readAnswer(value: unknown): Found {
  const answer = (value ?? {}) as { hits?: unknown; next?: unknown; partial?: unknown; building?: unknown };
  const hits = Array.isArray(answer.hits) ? answer.hits.map(readHit).filter((hit) => hit !== null) : [];
  return { hits, next: typeof answer.next === 'string' ? answer.next : null, partial: answer.partial === true, building: answer.building === true };
}

function readHit(value: unknown): Hit | null {
  const said = readEvent(value);
  if (!said) return null;
  const { with: other } = value as { with?: unknown };
  const event = typeof other === 'string' ? { ...said, room: `@${other}` } : said;
  const found: unknown = (value as { found?: unknown }).found;
  return { key: `${event.room}/${event.seq}`, event, found: Array.isArray(found) ? found.filter(isRange) : [] };
}

function isRange(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((number) => Number.isInteger(number));
}
