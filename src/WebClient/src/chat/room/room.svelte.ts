import { OnceAFrame } from '../../lib/frame';
import { call } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { Fold } from './fold';
import type { Link } from '../link/link';
import type { Line, Outbox } from '../compose/outbox.svelte';
import { PeopleState } from '../people/people.svelte';
import {
  isNews,
  parseJson,
  readEvent,
  readPage,
  readPresent,
  readReset,
  readRoom,
  type Author,
  type HistoryPage,
  type Present,
  type Reading,
  type Room,
  type RoomEvent,
} from '../model/protocol';
import { Seen } from '../model/seen';
import type { Copy } from '../../store/store';
import { Timeline } from '../model/timeline';
import { TypingState } from '../people/typing.svelte';

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
/** More lines than this are let go of while the reader is at the end, where nobody sees them. */
const keptLines = 10_000;
/** How many of them are kept for the next visit. */
const copiedLines = 200;

/** Milliseconds for which a page that was read ahead of the connection counts as the newest. */
const freshFor = 10_000;

type Phase = 'joining' | 'ready' | 'refused' | 'failed';

export interface RoomUser {
  readonly me: string;
  /** As the others see me now. */
  author(): Author;
  readonly outbox: Outbox;
  /** The reader has seen everything up to here. */
  read(room: string, seq: number, epoch: string): void;
  /** What is known of the room has changed, and is to be kept. Null: it is not this account's any more. */
  keep(topic: string, copy: (() => Omit<Copy, 'account'> | null) | null): void;
  /** The list of rooms has been asked for: what the server knows of the account's reading is known. */
  readonly directoryRead: Promise<void>;
}

/** One room that was opened in this visit: its timeline, the people in it, and how far it has been read. */
export class RoomState {
  readonly id: string;
  readonly topic: string;
  readonly people = new PeopleState();
  readonly typing = new TypingState();
  room = $state.raw<Room | null>(null);
  phase = $state<Phase>('joining');
  /** The account is in it no more, and did not leave from here. */
  gone = $state<'removed' | 'deleted' | 'lost' | null>(null);
  catchingUp = $state(false);
  /** Counts the changes of what is drawn, once a frame however much has come. */
  version = $state(0);
  atStart = $state(false);
  /** Messages of others beyond what has been read. Said once a frame: lists and the title are drawn by it. */
  unread = $state(0);
  /** Counts the times that the reader is to be brought to that line. */
  jumps = $state(0);
  /** The newest live message of somebody else, for the screen reader. */
  announced = $state.raw<RoomEvent | null>(null);
  /** How many messages were sent from here in this visit. */
  sent = $state(0);

  /** What is on its way, and not in the timeline yet. */
  readonly pending = $derived.by((): readonly Line[] => this.#user.outbox.lines.filter((line) => line.topic === this.topic));

  readonly #fold = new Fold(() => this.#user.author());
  readonly #timeline = new Timeline({
    appended: (events) => this.#appended(events),
    prepended: (events) => this.#prepended(events),
    droppedBefore: (seq) => this.#droppedBefore(seq),
    cleared: () => this.#cleared(),
  });
  readonly #frame = new OnceAFrame(() => this.#showFrame());
  readonly #seen = new Seen();
  readonly #user: RoomUser;
  readonly #restored: Promise<void>;
  #link: Link | null = null;
  #asking = false;
  #stopped = false;
  /** Becoming present and reading what was missed. */
  readonly #opening = new Retry();
  readonly #gap = new Retry();
  /** The page above the first line. While it fails, the pause or the reader's button decides when it is asked for again, not the next drawing. */
  readonly above = new Retry();
  readonly #older = { length: pageLength, at: 0 };
  /** When the newest page was taken ahead of the connection; null: it was not. */
  #ahead: Promise<number | null> = Promise.resolve(null);
  /** Set by the page: the reader sees this room's end. */
  watched = false;
  /** Set by the page: nobody stands further above, so the oldest lines may be let go of. */
  followed = true;

  /** `copy`: what an earlier visit knew of it. */
  constructor(id: string, user: RoomUser, room: Room | null, copy: Promise<Copy | null>) {
    this.id = id;
    this.topic = `rooms/${id}`;
    this.#user = user;
    this.room = room;
    this.#restored = copy.then((found) => this.#restore(found));
  }

  get title(): string {
    return this.room?.title ?? this.id;
  }

  /** What the timeline draws. It changes in place: `version` says when to look again. */
  get rows(): Fold['rows'] {
    return this.#fold.rows;
  }

  /** Nothing was said here yet. */
  get isQuiet(): boolean {
    return this.atStart && this.#fold.isQuiet;
  }

  /** The line above what is new to the reader; null: there is none. */
  get lineRow(): { key: string; order: number } | null {
    return this.#fold.lineRow;
  }

  /** Shows the newest page while the connection is still being made: what comes live begins right behind it, as behind any page. */
  readAhead(): void {
    // How far was read is not known yet: nothing is taken for seen.
    this.catchingUp = true;
    this.#ahead = this.#takeNewest();
  }

  /** Something to be drawn has changed. */
  draw(): void {
    this.#frame.request();
  }

  /** On every new connection: become present, read what was missed. Order matters: what comes live begins right behind what was read. */
  attach(link: Link): Promise<void> {
    this.#link = link;
    return this.#opening.run(async () => {
      if (this.#hasFailed()) this.phase = 'joining';
      await this.#attach(link);
      return this.#hasFailed() ? 'again' : 'done';
    });
  }

  #hasFailed(): boolean {
    return this.phase === 'failed';
  }

  async #attach(link: Link): Promise<void> {
    this.catchingUp = true;
    const [ahead] = await Promise.all([this.#ahead, this.#restored, this.#user.directoryRead]);
    this.#ahead = Promise.resolve(null);
    if (this.#link !== link) return;
    this.people.expectAnew();
    const [around, page] = await Promise.all([link.subscribe([`${this.topic}/presence/+`, `${this.topic}/info`, `${this.topic}/typing`], 0), isFresh(ahead) ? 'done' : this.#catchUp()]);
    if (this.#link !== link || around === 'lost') return;
    if (around === 'refused' || page === 'refused') return this.#refuse();
    const { last, epoch } = this.#timeline;
    if (last === null || epoch === null) return this.#settle();
    if (!isFresh(ahead)) await this.#reachUnread();
    if (this.#link !== link) return;
    const events = await link.subscribe(this.topic, 1, { after: last, epoch });
    if (this.#link !== link || events === 'lost') return;
    if (events === 'refused') return this.#refuse();
    // The server says who is here right behind the first answer, and so before the second.
    this.people.settle();
    this.#settle();
  }

  detach(): void {
    this.#link = null;
    this.catchingUp = false;
    for (const retry of [this.#opening, this.#gap]) retry.stop();
    this.typing.clear();
  }

  /** Nobody is signed in any more: nothing is read, kept or drawn from here on. */
  stop(): void {
    this.#stopped = true;
    this.above.stop();
    this.leave();
    this.#frame.cancel();
  }

  /** Put out: what was said goes, what its reader has still to say stays for them to take along. */
  lose(how: NonNullable<RoomState['gone']>): void {
    this.gone = how;
    this.leave();
    this.people.clear();
    this.#refuse();
  }

  leave(): void {
    this.#link?.unsubscribe([this.topic, `${this.topic}/presence/+`, `${this.topic}/info`, `${this.topic}/typing`]);
    this.detach();
  }

  async readRoom(): Promise<void> {
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    if (answer.ok) this.room = readRoom(answer.value) ?? this.room;
    else if (answer.problem.status === 404 || answer.problem.status === 403) this.#refuse();
  }

  /** Below `rooms/{room}`: `rest` is what follows the room's name in the topic. */
  receive(rest: string, payload: string): void {
    const [level, user] = rest.split('/');
    if (rest === '') this.#receiveStream(parseJson(payload));
    else if (level === 'presence' && user) this.#receivePresence(user, payload === '' ? null : readPresent(parseJson(payload)));
    else if (level === 'typing') this.#receiveTyping(parseJson(payload));
    else if (level === 'info') this.#receiveInfo(payload);
  }

  send(text: string): void {
    this.#user.outbox.write(this.topic, text);
    this.typing.said();
    this.#setLine(null);
    this.sent++;
  }

  sayTyping(): void {
    if (this.#link && this.typing.shouldSay()) this.#link.publishLoosely(`${this.topic}/typing`);
  }

  loadOlder(): void {
    if (this.above.trying || this.above.failures > 0 || this.phase !== 'ready' || this.#timeline.first === null || this.#timeline.atStart) return;
    void this.above.run(async () => {
      this.#older.length = Date.now() - this.#older.at < readsOnWithin ? Math.min(longestPage, this.#older.length * 2) : pageLength;
      const answer = await this.#readOlder(this.#older.length);
      this.#older.at = Date.now();
      this.draw();
      return answer === 'done' ? 'done' : 'again';
    });
  }

  /** The reader looks at the end of the timeline. What is still to come counts as new all the same. */
  markRead(): void {
    this.watched = true;
    if (!this.catchingUp) this.#sawEverything();
  }

  /** The reader went to another room, or scrolled up, or hid the tab. */
  lookAway(): void {
    this.watched = false;
  }

  /** The reader is gone from the page: what was new to them has been seen. */
  goAway(): void {
    this.lookAway();
    if (this.#unread === 0) this.#setLine(null);
  }

  /** Read further on another device, or counted by the server. */
  toldReading(reading: Reading, head: number): void {
    if (this.#timeline.epoch !== null && reading.epoch !== this.#timeline.epoch) return;
    this.#seen.told(reading, head > 0 ? head : (this.#timeline.last ?? 0));
    this.draw();
  }

  async tryAgain(): Promise<void> {
    if (this.#link) return this.attach(this.#link);
    this.phase = 'joining';
    this.readAhead();
  }

  /** It was refused, and its owner may have let this account in since. Until that is known, the page stays as it is. */
  async askAgain(): Promise<void> {
    // Whoever was put out of a public room does not come back into it by looking at the page.
    if (this.phase !== 'refused' || this.gone || this.#asking) return;
    this.#asking = true;
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    if (answer.ok) {
      this.room = readRoom(answer.value) ?? this.room;
      if (this.#link) await this.attach(this.#link);
    }
    this.#asking = false;
  }

  #restore(copy: Copy | null): void {
    const page = copy && readPage({ ...copy, first: copy.oldest });
    // An earlier version of the page may have kept less of an event.
    if (!page || page.events.length === 0 || page.events.length !== copy.events.length || this.phase !== 'joining') return;
    this.#timeline.addNewer(page);
    if (copy.read !== null) this.#seen.readUpTo(copy.read, copy.epoch);
    this.room ??= copy.room;
    this.phase = 'ready';
    this.#changed();
    if (this.#unread > 0) this.#setLine(this.#seen.seq);
  }

  #receiveStream(value: unknown): void {
    const reset = readReset(value);
    if (reset) this.#startAnew();
    else this.#receiveEvent(readEvent(value));
  }

  #receiveEvent(event: RoomEvent | null): void {
    if (!event) return;
    const wasRead = this.#unread === 0;
    const readBeforeIt = this.#seen.seq;
    const joined = this.#timeline.receive(event);
    if (event.type === 'message') this.typing.stopped(event.from.user);
    this.#echo(event);
    this.#changed();
    if (joined && isNews(this.#user.me, event)) {
      if (!this.catchingUp) this.announced = event;
      // Nobody looks: here begins what is new.
      if (!this.watched && wasRead && this.#unread > 0) this.#setLine(readBeforeIt);
    }
    if (this.watched && !this.catchingUp) this.#sawEverything();
    if (this.#timeline.hasGap && !this.catchingUp) this.#fillGap();
  }

  #receivePresence(user: string, person: Present | null): void {
    this.people.set(user, person);
    if (!person) this.typing.stopped(user);
  }

  #receiveTyping(value: unknown): void {
    const user = (value as { user?: unknown } | null | undefined)?.user;
    if (typeof user === 'string' && user !== this.#user.me) this.typing.heard(user);
  }

  #receiveInfo(payload: string): void {
    const info = payload === '' ? null : readRoom(parseJson(payload));
    if (info) this.room = { ...info, member: this.room?.member ?? true, mine: this.room?.mine ?? false };
  }

  /** Everything missed is here: what of it is new is shown from its beginning. */
  #settle(): void {
    this.catchingUp = false;
    if (this.phase !== 'ready') return;
    const { last, epoch } = this.#timeline;
    if (this.#seen.seq === null && last !== null && epoch !== null) this.#seen.readUpTo(last, epoch);
    this.#changed();
    if (this.#unread === 0) {
      if (this.watched) this.#sawEverything();
      return;
    }
    // Who stands at the line already stays where they are.
    if (this.#fold.line === this.#seen.seq) return;
    this.#setLine(this.#seen.seq);
    this.jumps++;
  }

  #refuse(): void {
    // It was open before, now or in an earlier visit.
    if (this.phase === 'ready') this.gone ??= 'lost';
    this.phase = 'refused';
    this.catchingUp = false;
    this.#timeline.restart();
    this.#changed();
    this.#user.keep(this.topic, null);
  }

  /** The log is another one than we knew. */
  #startAnew(): void {
    this.#timeline.restart();
    this.#readMissed();
  }

  #fillGap(): void {
    // While it fails, each further event would ask again.
    if (!this.#gap.trying && this.#gap.failures === 0) this.#readMissed();
  }

  #readMissed(): void {
    void this.#gap.run(async () => {
      this.catchingUp = true;
      const answer = await this.#catchUp();
      this.#settle();
      return answer === 'failed' ? 'again' : 'done';
    });
  }

  async #takeNewest(): Promise<number | null> {
    const [page] = await Promise.all([this.#readPage(`limit=${this.#firstPageLength()}`), this.#restored, this.#user.directoryRead]);
    // What cannot be read ahead is read when the connection is there.
    if (this.phase === 'refused' || typeof page === 'string') return null;
    const { last, epoch } = this.#timeline;
    if (last !== null && (page.epoch !== epoch || (page.events[0]?.seq ?? Infinity) > last + 1)) return null;
    await this.#take(page);
    return performance.now();
  }

  /** Reads on from the newest event known. Far behind, it starts over from the newest page. A page of long messages ends before the log does: there it goes on. */
  async #catchUp(): Promise<'done' | 'refused' | 'failed'> {
    for (let pages = 0; pages < mostCatchUpPages; pages++) {
      const answer = await this.#readNewer();
      if (answer !== 'more') return answer;
    }
    return 'failed';
  }

  async #readNewer(): Promise<'done' | 'more' | 'refused' | 'failed'> {
    const last = this.#timeline.last;
    let page = await this.#readPage(last === null ? `limit=${this.#firstPageLength()}` : `after=${last}&limit=${longestPage}`);
    const isBehind = typeof page !== 'string' && last !== null && (page.head - last > longestPage || page.epoch !== this.#timeline.epoch);
    if (isBehind) page = await this.#readPage(`limit=${pageLength}`);
    // What was asked before the account was put out may be answered after.
    if (this.gone) return 'refused';
    if (typeof page === 'string') {
      if (page === 'failed' && this.phase === 'joining') this.phase = 'failed';
      return page;
    }
    await this.#take(page);
    return page.events.length > 0 && (this.#timeline.last ?? 0) < page.head ? 'more' : 'done';
  }

  async #take(page: HistoryPage): Promise<void> {
    if (this.#seen.isOfAnother(page.epoch)) {
      this.#seen.forget();
      this.#setLine(null);
    }
    this.#timeline.addNewer(page);
    page.events.forEach((event) => this.#echo(event));
    if (this.phase === 'joining') await this.#beginAtLine();
    this.phase = 'ready';
    this.#changed();
  }

  /** The reader is shown the room where the new begins, not its end and then the other. */
  async #beginAtLine(): Promise<void> {
    await this.#reachUnread();
    if (this.#unread > 0) this.#setLine(this.#seen.seq);
  }

  /** What is new may begin further above than what was read so far. */
  async #reachUnread(): Promise<void> {
    const { seq } = this.#seen;
    for (let page = 0; page < mostUnreadPages; page++) {
      const { first } = this.#timeline;
      if (seq === null || first === null || first <= seq + 1 || this.#timeline.atStart) return;
      if ((await this.#readOlder(Math.min(longestPage, first - seq + readBefore))) !== 'done') return;
    }
  }

  async #readOlder(length: number): Promise<'done' | 'refused' | 'failed'> {
    const page = await this.#readPage(`before=${this.#timeline.first}&limit=${length}`);
    if (typeof page === 'string') return page;
    if (this.#timeline.addOlder(page)) {
      this.#changed();
      return 'done';
    }
    this.#timeline.restart();
    return this.#catchUp();
  }

  /** Long enough to begin a little above what has not been read. */
  #firstPageLength(): number {
    const head = Math.max(this.room?.head ?? 0, this.#seen.head);
    const missed = this.#seen.seq === null || head === 0 ? 0 : head - this.#seen.seq + readBefore;
    return Math.min(longestPage, Math.max(pageLength, missed));
  }

  async #readPage(query: string): Promise<HistoryPage | 'refused' | 'failed'> {
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}/events?${query}`);
    if (this.#stopped) return 'failed';
    if (!answer.ok) return answer.problem.status === 404 || answer.problem.status === 403 ? 'refused' : 'failed';
    return readPage(answer.value) ?? 'failed';
  }

  /** Our own message has arrived as an event: it takes the waiting line's place. Others may use the same id. */
  #echo(event: RoomEvent): void {
    if (event.id !== null && event.from.user === this.#user.me) this.#user.outbox.echoed(event.id);
  }

  #sawEverything(): void {
    const { last, epoch } = this.#timeline;
    if (last === null || epoch === null) return;
    const isFurther = this.#seen.readUpTo(last, epoch);
    this.#seen.isHere();
    this.draw();
    if (isFurther) {
      this.#user.read(this.id, last, epoch);
      this.#keep();
    }
  }

  get #unread(): number {
    return this.#seen.unread(this.#timeline.first);
  }

  /** The run has changed: what follows from it is brought in line, and drawn with the next frame. */
  #changed(): void {
    this.atStart = this.#timeline.atStart;
    const { last, epoch } = this.#timeline;
    if (last !== null && epoch !== null) this.#user.outbox.reached(this.topic, epoch, last);
    this.#keep();
    this.draw();
  }

  #showFrame(): void {
    if (this.followed && this.#timeline.events.length > keptLines * 1.5) {
      this.#timeline.trim(keptLines);
      this.atStart = this.#timeline.atStart;
    }
    this.#fold.setWaiting(this.pending);
    this.unread = this.#unread;
    this.version++;
  }

  #appended(events: readonly RoomEvent[]): void {
    this.#fold.append(events);
    for (const event of events) {
      this.people.met(event.from);
      if (isNews(this.#user.me, event)) this.#seen.append(event.seq);
    }
  }

  #prepended(events: readonly RoomEvent[]): void {
    this.#fold.prepend(events);
    for (const event of events) this.people.met(event.from);
    this.#seen.prepend(events.filter((event) => isNews(this.#user.me, event)).map((event) => event.seq));
  }

  #droppedBefore(seq: number): void {
    this.#fold.dropBefore(seq);
    this.#seen.dropBefore(seq);
  }

  #cleared(): void {
    this.#fold.clear();
    this.#seen.clear();
  }

  #setLine(after: number | null): void {
    this.#fold.setLine(after);
    this.draw();
  }

  #keep(): void {
    if (!this.#stopped) this.#user.keep(this.topic, () => this.#copy());
  }

  #copy(): Omit<Copy, 'account'> | null {
    const { epoch, oldest, events } = this.#timeline;
    if (epoch === null || this.phase !== 'ready') return null;
    const newest = events.slice(-copiedLines);
    const deleted = new Set(newest.filter((event) => event.type === 'delete').map((event) => event.of));
    const kept = newest.map((event) => (deleted.has(event.seq) ? { ...event, text: '' } : event));
    return { topic: this.topic, epoch, oldest, events: kept, read: this.#seen.seq, room: this.room };
  }
}

function isFresh(readAt: number | null): boolean {
  return readAt !== null && performance.now() - readAt < freshFor;
}
