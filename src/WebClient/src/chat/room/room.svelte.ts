import { call } from '../../lib/http';
import { Retry } from '../../lib/retry.svelte';
import { UnderWay } from '../../lib/underWay.svelte';
import type { Copy } from '../../store/store';
import type { Line, Outbox } from '../compose/outbox.svelte';
import type { Link } from '../link/link';
import { changedBy, isNews, parseJson, readEvent, readPeople, readReset, readRoom, type Author, type People, type Reading, type Room, type RoomEvent } from '../model/protocol';
import { PeopleState } from '../people/people.svelte';
import { RolesState } from '../people/roles.svelte';
import { TypingState } from '../people/typing.svelte';
import { History } from './history';
import { Reader } from './reader.svelte';
import { RoomLog } from './roomLog.svelte';

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

/** One room that was opened in this visit: becomes present in it on each connection, and hears what is said, who is there, and that it is over. */
export class RoomState {
  readonly id: string;
  readonly topic: string;
  readonly people = new PeopleState();
  readonly roles: RolesState;
  readonly typing = new TypingState();
  readonly log: RoomLog;
  readonly history: History;
  readonly reader: Reader;
  room = $state.raw<Room | null>(null);
  /** The account is in it no more, and did not leave from here. */
  gone = $state<'removed' | 'deleted' | 'lost' | null>(null);
  /** The newest live message of somebody else, for the screen reader. */
  announced = $state.raw<RoomEvent | null>(null);
  /** How many messages were sent from here in this visit. */
  sent = $state(0);

  readonly #user: RoomUser;
  /** What earlier visits and the list of rooms know is known. */
  readonly #known: Promise<unknown>;
  readonly #steps = new UnderWay();
  /** The step that a page read ahead of the connection begins, and the connection takes over. */
  #ahead: symbol | null = null;
  /** Becoming present and reading what was missed. */
  readonly #opening = new Retry();
  readonly #gap = new Retry();
  /** How many roles and changes of the room were told in this visit, and when the last one was, in milliseconds since 1970. */
  #acts = 0;
  #actedAt = 0;
  #link: Link | null = null;
  #asking = false;
  #stopped = false;

  /** `copy`: what an earlier visit knew of it. */
  constructor(id: string, user: RoomUser, room: Room | null, copy: Promise<Copy | null>) {
    this.id = id;
    this.topic = `rooms/${id}`;
    this.#user = user;
    this.room = room;
    this.roles = new RolesState(id);
    this.log = new RoomLog({
      me: user.me,
      topic: this.topic,
      author: () => user.author(),
      outbox: user.outbox,
      met: (author) => this.people.met(author),
      keep: () => this.#keep(),
    });
    this.#known = Promise.all([copy.then((found) => this.#restore(found)), user.directoryRead]);
    this.history = new History(this.log, { id, known: this.#known, head: () => this.room?.head ?? 0, isOut: () => this.gone !== null });
    this.reader = new Reader(this.log, {
      me: user.me,
      catchingUp: this.#steps,
      saw: (seq, epoch) => {
        user.read(id, seq, epoch);
        this.#keep();
      },
    });
  }

  get title(): string {
    return this.room?.title ?? this.id;
  }

  get phase(): RoomLog['phase'] {
    return this.log.phase;
  }

  get unread(): number {
    return this.log.unread;
  }

  get pending(): readonly Line[] {
    return this.log.pending;
  }

  /** It is not known yet what was missed. */
  get catchingUp(): boolean {
    return this.#steps.any;
  }

  /** Shows the newest page while the connection is still being made. How far was read is not known before that is there: nothing is taken for seen. */
  readAhead(): void {
    const before = this.#ahead;
    this.#ahead = this.#steps.begin();
    if (before !== null) this.#steps.end(before);
    this.history.readAhead();
  }

  /** On every new connection: become present, read what was missed. Order matters: what comes live begins right behind what was read. */
  attach(link: Link): Promise<void> {
    this.#link = link;
    return this.#opening.run(async () => {
      if (this.#hasFailed()) this.log.phase = 'joining';
      await this.#attach(link);
      return this.#hasFailed() ? 'again' : 'done';
    });
  }

  #hasFailed(): boolean {
    return this.phase === 'failed';
  }

  /** Where the connection is lost, or another one has taken its place, `detach` has forgotten the step, or will. */
  async #attach(link: Link): Promise<void> {
    const step = this.#steps.begin();
    if (this.#ahead !== null) this.#steps.end(this.#ahead);
    this.#ahead = null;
    const [isAhead] = await Promise.all([this.history.takenAhead(), this.#known]);
    if (this.#link !== link) return;
    this.people.expectAnew();
    const [around, page] = await Promise.all([link.subscribe([`${this.topic}/people`, `${this.topic}/info`, `${this.topic}/typing`], 0), isAhead ? 'done' : this.history.catchUp()]);
    if (this.#link !== link || around === 'lost') return;
    if (around === 'refused' || page === 'refused') return this.#refuse(step);
    const { last, epoch } = this.log.timeline;
    if (last === null || epoch === null) return this.#end(step);
    if (!isAhead) await this.history.reachUnread();
    if (this.#link !== link) return;
    const events = await link.subscribe(this.topic, 1, { after: last, epoch });
    if (this.#link !== link || events === 'lost') return;
    if (events === 'refused') return this.#refuse(step);
    void this.roles.readAgain();
    this.#end(step);
  }

  detach(): void {
    this.#link = null;
    this.#steps.forget();
    for (const retry of [this.#opening, this.#gap]) retry.stop();
    this.typing.clear();
  }

  /** Nobody is signed in any more: nothing is read, kept or drawn from here on. */
  stop(): void {
    this.#stopped = true;
    this.history.stop();
    this.leave();
    this.log.stop();
  }

  /** Put out: what was said goes, what its reader has still to say stays for them to take along. */
  lose(how: NonNullable<RoomState['gone']>): void {
    this.gone = how;
    this.leave();
    this.people.clear();
    this.#refuse();
  }

  leave(): void {
    this.#link?.unsubscribe([this.topic, `${this.topic}/people`, `${this.topic}/info`, `${this.topic}/typing`]);
    this.detach();
  }

  async readRoom(): Promise<void> {
    const acts = this.#acts;
    const answer = await call<unknown>('GET', `/api/rooms/${this.id}`);
    // The answer may be older than what was told meanwhile.
    if (answer.ok && acts !== this.#acts) return this.readRoom();
    if (answer.ok) this.room = readRoom(answer.value) ?? this.room;
    else if (answer.problem.status === 404 || answer.problem.status === 403) this.#refuse();
  }

  /** The list of rooms, asked for at `asOf`, says what an absence has missed. Null: it does not name the room. */
  described(listed: Room | null, asOf: number): void {
    if (listed === null || this.phase === 'refused') return;
    if (asOf > this.#actedAt) this.room = { ...listed, people: this.room?.people ?? listed.people };
    else void this.readRoom();
  }

  /** Below `rooms/{room}`: `rest` is what follows the room's name in the topic. */
  receive(rest: string, payload: string): void {
    if (rest === '') this.#receiveStream(parseJson(payload));
    else if (rest === 'people') this.#receivePeople(readPeople(parseJson(payload)));
    else if (rest === 'typing') this.#receiveTyping(parseJson(payload));
    else if (rest === 'info') this.#receiveInfo(payload);
  }

  /** Read further on another device, or counted by the server. */
  toldReading(reading: Reading, head: number): void {
    this.reader.told(reading, head);
  }

  send(text: string): void {
    this.#user.outbox.write(this.topic, text);
    this.typing.said();
    this.log.setLine(null);
    this.sent++;
  }

  sayTyping(): void {
    if (this.#link && this.typing.shouldSay()) this.#link.publishLoosely(`${this.topic}/typing`);
  }

  async tryAgain(): Promise<void> {
    if (this.#link) return this.attach(this.#link);
    this.log.phase = 'joining';
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

  #receiveStream(value: unknown): void {
    const reset = readReset(value);
    if (reset) this.#startAnew();
    else this.#receiveEvent(readEvent(value));
  }

  #receiveEvent(event: RoomEvent | null): void {
    if (!event) return;
    const joined = this.reader.receive(event);
    if (event.type === 'message') this.typing.stopped(event.from.user);
    if (joined) this.#receiveAct(event);
    if (this.catchingUp) return;
    if (joined && isNews(this.#user.me, event)) this.announced = event;
    if (this.log.timeline.hasGap) this.#fillGap();
  }

  #receiveAct({ type, from, target, role, ...event }: RoomEvent): void {
    if (type !== 'role' && type !== 'policy') return;
    this.#acts++;
    this.#actedAt = Date.now();
    if (type === 'policy') this.room = this.room && changedBy(this.room, event);
    if (!target || !role) return;
    this.roles.given(target.user, role);
    // What this account may do by now, the server says; it gave its own role away, or has another.
    if (target.user === this.#user.me || from.user === this.#user.me) void this.readRoom();
  }

  #receivePeople(told: People | null): void {
    if (!told) return;
    for (const user of told.gone) this.typing.stopped(user);
    // A list that was asked for says everything, whatever was missed.
    if (this.people.hear(told) === 'missed') void this.#link?.subscribe(`${this.topic}/people`, 0);
  }

  #receiveTyping(value: unknown): void {
    const user = (value as { user?: unknown } | null | undefined)?.user;
    if (typeof user === 'string' && user !== this.#user.me) this.typing.heard(user);
  }

  #receiveInfo(payload: string): void {
    const info = payload === '' ? null : readRoom(parseJson(payload));
    if (info) this.room = { ...this.room, ...info, member: this.room?.member ?? true, mine: this.room?.mine ?? false, role: this.room?.role ?? null };
  }

  /** What was missed is known when the last step has ended, in whichever order they do. */
  #end(step: symbol): void {
    if (this.#steps.end(step) && this.phase === 'ready') this.reader.caughtUp();
  }

  /** @param step What ends by it. Others go on: the account may be let in while they do. */
  #refuse(step?: symbol): void {
    // It was open before, now or in an earlier visit.
    if (this.phase === 'ready') this.gone ??= 'lost';
    this.log.phase = 'refused';
    if (step !== undefined) this.#steps.end(step);
    this.log.timeline.restart();
    this.log.changed();
    this.#user.keep(this.topic, null);
  }

  /** The log is another one than we knew. */
  #startAnew(): void {
    this.log.timeline.restart();
    this.#readMissed();
  }

  #fillGap(): void {
    // While it fails, each further event would ask again.
    if (!this.#gap.trying && this.#gap.failures === 0) this.#readMissed();
  }

  #readMissed(): void {
    void this.#gap.run(async () => {
      const step = this.#steps.begin();
      const answer = await this.history.catchUp();
      this.#end(step);
      // An act may be among it.
      void this.readRoom();
      return answer === 'failed' ? 'again' : 'done';
    });
  }

  #restore(copy: Copy | null): void {
    if (this.log.restore(copy)) this.room ??= copy.room;
  }

  #keep(): void {
    if (!this.#stopped) this.#user.keep(this.topic, () => this.log.copy(this.room));
  }
}
