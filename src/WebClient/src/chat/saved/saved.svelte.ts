import { SvelteMap } from 'svelte/reactivity';
import { call, isRecord, type Answer, type Problem } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { Meanwhile } from '../model/meanwhile';
import { settled } from '../model/merge';
import { readEvent, type RoomEvent } from '../model/protocol';

export interface Kept {
  key: string;
  /** `rooms/{room}`, or `users/{user}` of what two say. */
  topic: string;
  seq: number;
  /** As it is now; null: it may not be read any more. */
  event: RoomEvent | null;
}

const path = '/api/saved';

/** The messages that the reader has saved, the newest first. Nobody else sees which. */
export class Saved {
  list = $state.raw<readonly Kept[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** What the last attempt to save or take off had against it. */
  problem = $state.raw<Problem | null>(null);
  readonly retry = new Retry();
  readonly #marks = new SvelteMap<string, boolean>();
  readonly #meanwhile = new Meanwhile();
  #looking = 0;
  #next = $state<string | null>(null);

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** As far as the list was read: what lies further back is offered to be saved again, which changes nothing. */
  has(topic: string, seq: number): boolean {
    return this.#marks.get(`${topic}/${seq}`) ?? false;
  }

  /** Saves it, or takes it off. It shows at once, unless the server refuses it. */
  async turn(topic: string, seq: number): Promise<Answer<unknown>> {
    const key = `${topic}/${seq}`;
    const on = !this.has(topic, seq);
    this.#marks.set(key, on);
    const answer = await call<unknown>(on ? 'PUT' : 'DELETE', `${path}/${topic.replace(/^users\//, 'conversations/')}/${seq}`);
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) this.#marks.set(key, !on);
    else if (!on) this.list = this.list.filter((kept) => kept.key !== key);
    return answer;
  }

  async read(): Promise<void> {
    await this.retry.run(() => this.#meanwhile.until(this.#page(''), (page) => {
      if (page === null) {
        if (this.phase === 'loading') this.phase = 'failed';
        return 'again';
      }
      this.list = this.#looking > 0 ? page : [];
      this.phase = 'ready';
      return 'done';
    }));
  }

  /** Its words, while somebody looks at them; else which messages it has. */
  async refresh(): Promise<void> {
    if (this.#looking > 0 || this.phase !== 'ready') await this.read();
  }

  /**
   * The reader looks at the list, as it is now: of what it was nothing is shown, whether the server answers or not. Answers what to do when they do not
   * look any more: then no words are kept. Which messages are saved stays known.
   */
  look(): () => void {
    if (this.#looking++ === 0) this.#putAway();
    void this.read();
    return () => {
      if (--this.#looking === 0) this.#putAway();
    };
  }

  #putAway(): void {
    [this.list, this.#next, this.phase] = [[], null, 'loading'];
  }

  async more(): Promise<void> {
    if (this.#next === null) return;
    await this.#meanwhile.until(this.#page(`&cursor=${encodeURIComponent(this.#next)}`), (page) => {
      const known = new Set(this.list.map((kept) => kept.key));
      if (page !== null) this.list = [...this.list, ...page.filter((kept) => !known.has(kept.key))];
    });
  }

  /** An edit or a deletion of what may be saved. */
  follow(topic: string, change: RoomEvent): void {
    this.#meanwhile.do(() => {
      if (!this.list.some((kept) => kept.topic === topic && kept.seq === change.of)) return;
      this.list = this.list.map((kept) => (kept.topic === topic && kept.event ? { ...kept, event: settled(kept.event, change) } : kept));
    });
  }

  /** It may not be read any more. */
  lose(topic: string): void {
    this.#meanwhile.do(() => (this.list = this.list.map((kept) => (kept.topic === topic ? { ...kept, event: null } : kept))));
  }

  stop(): void {
    this.retry.stop();
  }

  async #page(query: string): Promise<Kept[] | null> {
    const answer = await call<unknown>('GET', `${path}?limit=50${query}`);
    if (!answer.ok || !isRecord(answer.value) || !Array.isArray(answer.value['saved'])) return null;
    const page = answer.value['saved'].map(readKept).filter((kept) => kept !== null);
    this.#next = typeof answer.value['next'] === 'string' ? answer.value['next'] : null;
    for (const { key } of page) this.#marks.set(key, true);
    return page;
  }
}

function readKept(value: unknown): Kept | null {
  if (!isRecord(value) || typeof value['seq'] !== 'number') return null;
  const { room, seq, with: user } = value;
  const topic = typeof room === 'string' ? `rooms/${room}` : typeof user === 'string' ? `users/${user}` : null;
  return topic === null ? null : { key: `${topic}/${seq}`, topic, seq, event: readEvent(value['event']) };
}
