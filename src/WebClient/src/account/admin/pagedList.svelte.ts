import { call, type Problem } from '../../lib/http';

/** A list of the server's that is searched there and read page by page. `T`: an entry. */
export class PagedList<T, Filter extends string = 'all'> {
  /** Null: nothing has come yet. */
  list = $state.raw<readonly T[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  reading = $state(false);
  query = $state('');
  filter = $state<Filter>() as Filter;
  #cursor = $state.raw<string | null>(null);
  #asked = 0;
  /** The page that was asked for last. */
  #tried: string | null = null;
  readonly #path: string;
  readonly #key: string;
  readonly #names: { cursor: string; filter: string };

  /** `key`: the name of the list in the server's answer. `names`: what the next page, and some of all entries, are asked for by. */
  constructor(path: string, key: string, filter: Filter, names: Partial<{ cursor: string; filter: string }> = {}) {
    [this.#path, this.#key, this.#names] = [path, key, { cursor: 'cursor', filter: 'filter', ...names }];
    this.filter = filter;
  }

  get hasMore(): boolean {
    return this.#cursor !== null;
  }

  get phase(): 'loading' | 'ready' | 'failed' {
    if (this.problem !== null) return 'failed';
    return this.list === null || (this.reading && this.list.length === 0) ? 'loading' : 'ready';
  }

  /** From the beginning, by what is looked for now. An answer to what was looked for before is not shown. */
  read = (): Promise<void> => this.#read(null);
  readMore = (): Promise<void> => (this.reading ? Promise.resolve() : this.#read(this.#cursor));

  /** Asks again for what did not come; the pages before it stay. */
  retry = (): Promise<void> => this.#read(this.#tried);

  /** What was changed is as the server says it is now; null: it is gone. */
  replace(isIt: (entry: T) => boolean, by: T | null): void {
    this.list = this.list?.flatMap((entry) => (isIt(entry) ? (by === null ? [] : [by]) : [entry])) ?? null;
  }

  /** Asks for the one entry that it holds for, by its id. Only what the server has no more is taken away. */
  async refresh(id: string, isIt: (entry: T) => boolean): Promise<void> {
    const answer = await call<T>('GET', `${this.#path}/${encodeURIComponent(id)}`);
    if (answer.ok) this.replace(isIt, answer.value);
    else if (answer.problem.status === 404) this.replace(isIt, null);
    // What is shown is older: reading again is offered.
    else [this.problem, this.#tried] = [answer.problem, null];
  }

  async #read(cursor: string | null): Promise<void> {
    const asked = ++this.#asked;
    this.#tried = cursor;
    this.reading = true;
    const query = new URLSearchParams();
    if (this.query.trim() !== '') query.set('query', this.query.trim());
    if (this.filter !== 'all') query.set(this.#names.filter, this.filter);
    if (cursor !== null) query.set(this.#names.cursor, cursor);
    const answer = await call<Record<string, unknown>>('GET', query.size > 0 ? `${this.#path}?${query}` : this.#path);
    if (asked !== this.#asked) return;
    this.reading = false;
    this.problem = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    const page = answer.value[this.#key] as T[];
    this.list = cursor === null ? page : [...(this.list ?? []), ...page];
    const next = answer.value['cursor'];
    this.#cursor = typeof next === 'string' ? next : null;
  }
}
