import { call, isRecord } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { searchFor } from '../../lib/searchText';
import type { Copy } from '../../store/store';
import { settled } from '../model/merge';
import type { Reading, RoomEvent } from '../model/protocol';
import { readConversation, type Conversation, type Told } from '../model/told';

const pageLength = 50;

/** Under this name the list is kept beside the copies of what was said. */
export const conversationsTopic = 'conversations';

export interface ConversationsUser {
  readonly me: string;
  /** What the server has counted in one of them, up to `head`. */
  counted(user: string, reading: Reading, head: number): void;
  /** Nothing of it counts as unread any more: its author is ignored. */
  silenced(user: string): void;
  /** All that there are and are heard, when the list is known to its end. */
  named(users: ReadonlySet<string>): void;
  /** The list has changed, and is to be kept. `now`: something was deleted. */
  keep(now: boolean): void;
}

/** Whom the account talks to, the one with the newest message first: listed by the server, and carried on by what is heard live. */
export class Conversations {
  all = $state.raw<readonly Conversation[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** Where the list goes on; null: nowhere, as far as is known. */
  #next = $state<string | null>(null);
  readonly hasMore = $derived.by(() => this.#next !== null);
  /** Those that are heard. */
  readonly heard = $derived(this.all.filter((one) => !one.ignored));
  readonly ignored = $derived(this.all.filter((one) => one.ignored));
  readonly retry = new Retry();
  /** The list as it came first. */
  #first = $state.raw<readonly Conversation[]>([]);
  /** It is known what the server has to tell, or that it tells nothing now. */
  readonly known: Promise<void>;
  #isKnown!: () => void;
  readonly #user: ConversationsUser;
  /** The list is to be read, also when it is being read. */
  #again = false;
  /** Whom something was heard of while the list was on its way. */
  readonly #heardMeanwhile = new Set<string>();
  #reading: Promise<void> | null = null;
  #stopped = false;

  constructor(user: ConversationsUser) {
    this.#user = user;
    this.known = new Promise((resolve) => (this.#isKnown = resolve));
  }

  find(user: string): Conversation | null {
    return this.all.find((one) => one.user === user) ?? null;
  }

  /** It was there already when the list came first. */
  wasThere(user: string, { seq, epoch }: RoomEvent): boolean {
    return this.#first.some((one) => one.user === user && one.epoch === epoch && one.head >= seq);
  }

  /** The other's account was erased, as far as the list says by now. */
  async isGone(user: string): Promise<boolean> {
    await this.known;
    return this.find(user)?.gone === true;
  }

  /** Those whose name has what is looked for. */
  matching(filter: string): readonly Conversation[] {
    if (filter.trim() === '') return this.heard;
    const isFound = searchFor(filter);
    return this.heard.filter(({ user, name }) => isFound(`${name} ${user}`));
  }

  /** What an earlier visit knew, unless the server has said more by now. */
  restore(copy: Copy | null): void {
    if (this.phase !== 'ready' && this.all.length === 0) this.all = (copy?.talks ?? []).filter((one) => typeof one.user === 'string');
  }

  copy(): Omit<Copy, 'account'> {
    return { topic: conversationsTopic, epoch: '', oldest: 0, events: [], read: null, room: null, talks: this.all.slice(0, pageLength) };
  }

  /** The list from its beginning; settles with the answer. One call at a time; asked meanwhile, it is read again. */
  read(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    await this.retry.run(async () => {
      let isDone = true;
      while (this.#again && isDone && !this.#stopped) {
        this.#again = false;
        isDone = await this.#readFrom(null);
      }
      this.#isKnown();
      return isDone || this.#stopped ? 'done' : 'again';
    });
  }

  async readMore(): Promise<void> {
    if (this.#next !== null) await this.#readFrom(this.#next);
  }

  stop(): void {
    this.#stopped = true;
    this.retry.stop();
  }

  /** Said or done just now, or missed and brought. */
  tell({ user, event }: Told): void {
    this.#heardMeanwhile.add(user);
    const before = this.find(user);
    if (before && event.epoch === before.epoch && event.seq <= before.head) return;
    // Under which name somebody is known that nothing was heard of yet, and how far was read, the list says.
    if (!before) void this.read();
    const known: Conversation = before ?? { user, name: user, kind: 'person', gone: false, ignored: false, at: event.at, head: 0, epoch: event.epoch, reading: null, last: null };
    const isSaid = event.type === 'message' || event.type === 'removed';
    const changed: Conversation = {
      ...known,
      ...(event.from.user === user ? { name: event.from.name, kind: event.from.kind === 'bot' ? known.kind : event.from.kind } : {}),
      head: event.seq,
      epoch: event.epoch,
      ...(isSaid ? { last: event, at: event.at } : known.last && { last: settled(known.last, event) }),
    };
    this.all = isSaid ? [changed, ...this.all.filter((one) => one.user !== user)] : this.all.map((one) => (one.user === user ? changed : one));
    this.#user.keep(event.type === 'delete' || event.type === 'edit');
  }

  async #readFrom(cursor: string | null): Promise<boolean> {
    this.#heardMeanwhile.clear();
    const answer = await call<unknown>('GET', `/api/conversations?limit=${pageLength}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    if (this.#stopped) return true;
    if (!answer.ok || !isRecord(answer.value) || !Array.isArray(answer.value['conversations'])) {
      this.phase = this.phase === 'ready' ? 'ready' : 'failed';
      return false;
    }
    const read = answer.value['conversations'].map(readConversation).filter((one) => one !== null);
    const next = answer.value['next'];
    this.#next = typeof next === 'string' ? next : null;
    const users = new Set(read.map((one) => one.user));
    const known = read.map((one) => this.#newer(one));
    // From its beginning it says everything that is as new, and what was said meanwhile.
    const isFurtherDown = (one: Conversation) => cursor !== null || (this.#next !== null && one.at < (read.at(-1)?.at ?? ''));
    const others = this.all.filter((one) => !users.has(one.user) && (this.#heardMeanwhile.has(one.user) || isFurtherDown(one)));
    this.all = [...known, ...others].sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0));
    if (this.phase !== 'ready') this.#first = read;
    this.phase = 'ready';
    for (const one of read) {
      if (one.ignored) this.#user.silenced(one.user);
      else if (one.reading) this.#user.counted(one.user, one.reading, one.head);
    }
    if (cursor === null && this.#next === null) this.#user.named(new Set(this.heard.map((one) => one.user)));
    this.#user.keep(false);
    return true;
  }

  /** What was heard while the list was on its way is newer than it. */
  #newer(read: Conversation): Conversation {
    const here = this.find(read.user);
    return here && !read.ignored && here.epoch === read.epoch && here.head > read.head ? { ...read, head: here.head, at: here.at, last: here.last } : read;
  }
}
