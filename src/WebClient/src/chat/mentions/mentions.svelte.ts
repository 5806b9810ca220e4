import { call, isRecord } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import type { Link } from '../link/link';
import { isModeration, isOfMessage, readCalling, type Calling } from '../model/calling';
import { Meanwhile } from '../model/meanwhile';
import { excerpt } from '../model/merge';
import { readPage, readReading, type RoomEvent } from '../model/protocol';

export interface MentionsUser {
  readonly me: string;
  /** How far the reader has come in a room; null: not in it. */
  positionIn(room: string): number | null;
  /** Somebody names or answers the reader at this moment. */
  called(calling: Calling): void;
}

const path = '/api/notices';
/** What nobody scrolls back to is read again when it is. */
const mostKept = 300;

/**
 * Who has named or answered the reader, and what is to be decided, the newest first. The server's pages say what there is, so that nothing is missed and nothing stays that was
 * deleted; what comes live goes before them.
 */
export class Mentions {
  list = $state.raw<readonly Calling[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  hasMore = $state(false);
  readonly retry = new Retry();
  readonly older = new Retry();

  readonly #user: MentionsUser;
  /** Up to this seq they are read, whatever becomes of their rooms. */
  #read = $state(0);
  #epoch = '';
  #oldest = 0;
  readonly #meanwhile = new Meanwhile();
  /** Said live before the first page is here. */
  #early: Calling[] = [];
  #saying: { seq: number; epoch: string } | null = null;

  readonly unread = $derived.by(() => this.list.reduce((count, calling) => count + (this.isUnread(calling) ? 1 : 0), 0));

  constructor(user: MentionsUser) {
    this.#user = user;
  }

  /** Whoever has read the room up to there has read it. */
  isUnread(calling: Calling): boolean {
    const { seq, room, of } = calling;
    if (seq <= this.#read || !isOfMessage(calling)) return seq > this.#read;
    const position = this.#user.positionIn(room);
    return position !== null && of > position;
  }

  /** A server that knows no such topic refuses, and then there are none. */
  async attach(link: Link): Promise<void> {
    const subscribed = await link.subscribe(`users/${this.#user.me}/notices`, 1);
    if (subscribed === 'granted') await this.readNewest();
  }

  receive(value: unknown): void {
    const calling = readCalling(value);
    if (!calling) return;
    // Of another life of the log, the page that is asked for on each connection has it.
    if (this.#epoch !== '' && calling.epoch !== this.#epoch) return;
    const before = this.#epoch === '' ? this.#early : this.list;
    if (calling.seq <= (before[0]?.seq ?? 0)) return;
    if (this.#epoch === '') this.#early = [calling, ...before].slice(0, mostKept);
    else this.list = [calling, ...before].slice(0, mostKept);
    this.#user.called(calling);
  }

  /** What there is now: messages may have been edited or deleted since. */
  async readNewest(): Promise<void> {
    await this.retry.run(() => this.#meanwhile.until(this.#page(''), (page) => {
      if (page === null) {
        if (this.phase === 'loading') this.phase = 'failed';
        return 'again';
      }
      const { list, epoch, first } = page;
      // What came live while the page was on its way is not in it.
      const above = [...this.list, ...this.#early].filter((calling) => calling.epoch === epoch && calling.seq > page.head);
      this.#early = [];
      this.#read = epoch === this.#epoch ? Math.max(this.#read, page.read) : page.read;
      this.#epoch = epoch;
      this.#take([...above, ...list], first, page.oldest);
      this.phase = 'ready';
      return 'done';
    }));
  }

  /** The reader looks at the list: until the server has said how it is, nothing is shown of how it was. */
  async open(): Promise<void> {
    this.phase = 'loading';
    await this.readNewest();
  }

  refresh(): Promise<void> {
    return this.readNewest();
  }

  async more(): Promise<void> {
    await this.older.run(() => {
      const last = this.list.at(-1)?.seq ?? this.#oldest;
      return this.#meanwhile.until(this.#page(`&before=${this.#oldest || last}`), (page) => {
        if (page === null) return 'again';
        if (page.epoch === this.#epoch) this.#take([...this.list, ...page.list], page.first, page.oldest);
        return 'done';
      });
    });
  }

  /** The reader has seen the list. */
  async readAll(): Promise<void> {
    const newest = this.list[0];
    if (!newest || newest.seq <= this.#read) return;
    this.#read = newest.seq;
    this.#saying = { seq: newest.seq, epoch: this.#epoch };
    const answer = await call<unknown>('PUT', `${path}/read`, this.#saying);
    // What could not be said is said with the next ones: until then, the other devices do not know.
    if (answer.ok) this.#saying = null;
  }

  /** An edit or a deletion of what may have named or answered the reader. */
  follow(topic: string, change: RoomEvent): void {
    this.#meanwhile.do(() => this.#change(topic, change));
  }

  /** The reader is in that room no more: of what is said there nothing stays, and of how that came to be all. */
  lose(topic: string): void {
    this.#meanwhile.do(() => (this.list = this.list.filter(({ room, type }) => `rooms/${room}` !== topic || isModeration(type))));
  }

  #change(topic: string, { of, type, text, over }: RoomEvent): void {
    const isOfIt = (calling: Calling) => `rooms/${calling.room}` === topic && calling.of === of;
    if (over || !this.list.some(isOfIt)) return;
    this.list = type === 'delete' ? this.list.filter((calling) => !isOfIt(calling)) : this.list.map((calling) => (isOfIt(calling) ? { ...calling, excerpt: excerpt(text) } : calling));
  }

  stop(): void {
    this.retry.stop();
    this.older.stop();
  }

  #take(list: readonly Calling[], first: number, oldest: number): void {
    this.list = list;
    this.#oldest = oldest;
    this.hasMore = oldest > first && list.length < mostKept;
  }

  async #page(query: string): Promise<{ list: Calling[]; epoch: string; head: number; first: number; oldest: number; read: number } | null> {
    const answer = await call<unknown>('GET', `${path}?limit=50${query}`);
    if (!answer.ok || !isRecord(answer.value)) return null;
    const page = readPage(answer.value);
    const events = answer.value['events'];
    if (!page || !Array.isArray(events)) return null;
    const list = events.map(readCalling).filter((calling) => calling !== null).toReversed();
    const from = answer.value['from'];
    const oldest = typeof from === 'number' ? from : (list.at(-1)?.seq ?? page.first);
    return { list, epoch: page.epoch, head: page.head, first: page.first, oldest, read: readReading(answer.value['read'])?.seq ?? 0 };
  }
}
