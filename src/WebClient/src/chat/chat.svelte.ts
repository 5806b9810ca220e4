import { SvelteMap } from 'svelte/reactivity';
import { call, type Answer } from '../lib/http';
import { router } from '../lib/router.svelte';
import { session, type Me } from '../session/session.svelte';
import { Connection } from './link/connection.svelte';
import { Copies } from '../store/copies';
import { Drafts } from '../store/drafts';
import { Favourites } from '../store/favourites.svelte';
import { Inbox } from './inbox/inbox.svelte';
import type { Link } from './link/link';
import { LiveUnread } from './rooms/liveUnread';
import { Outbox } from './compose/outbox.svelte';
import { parseJson, readNotice, readPresent, type Gone, type Notice, type Reading, type Room, type RoomUnread } from './model/protocol';
import { ReadPositions } from './rooms/readPositions';
import { newerReading, type Counted } from './model/reading';
import { RoomState } from './room/room.svelte';
import { RoomDirectory } from './rooms/roomDirectory.svelte';
import { Store } from '../store/store';

/** What nobody tells, as the number of people in rooms that are not open, is read again by a reader who was away for so long. */
const longAway = 5 * 60_000;
/** A client may hold 100 filters, and a room takes four. */
const mostOpened = 20;
const mostFarewells = 3;

/** A room that the account is no longer in, and did not leave from here. */
export interface Farewell {
  room: string;
  title: string;
  how: Exclude<Gone, 'left'> | 'lost';
}

/** Under this name the list of rooms is kept beside the copies of their ends. */
const directoryTopic = 'directory';

/** Everything the chat pages draw for one signed-in person. Present only in the rooms that were opened in this visit. */
export class Chat {
  readonly me: Me;
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly drafts: Drafts;
  readonly favourites: Favourites;
  readonly opened = new SvelteMap<string, RoomState>();
  readonly directory = new RoomDirectory(
    (room, reading, head) => this.#toldReading(room, reading, head),
    () => this.#copies.keep(directoryTopic, () => ({ topic: directoryTopic, epoch: '', oldest: 0, events: [], read: null, room: null, rooms: this.directory.kept })),
  );
  /** What the server said about this account's doings: the newest three. */
  notices = $state.raw<{ key: number; notice: Notice }[]>([]);
  /** To be told, unless the reader is in the room and sees it there: the newest few. */
  farewells = $state.raw<readonly Farewell[]>([]);
  /** When the connection was lost, in milliseconds since 1970: who is here is as of then. Null: it is there, or never was. */
  lostAt = $state<number | null>(null);
  /** True: this browser keeps nothing, so what waits to be sent is gone with the page. Null: it was said and waved away. */
  forgetful = $state<boolean | null>(false);

  /** The id of the room that the page shows. */
  #here = $state<string | null>(null);
  readonly current = $derived(this.#here === null ? null : (this.opened.get(this.#here) ?? null));

  readonly #store = new Store(() => (this.forgetful = true));
  readonly #copies: Copies;
  readonly #positions: ReadPositions;
  readonly #live: LiveUnread;
  /** What is known of rooms that are not open. */
  readonly #readings = new SvelteMap<string, Counted>();
  /** Left from here; the server tells that too, once, and by then the room may have been opened again. */
  readonly #leftHere = new Map<string, { told: boolean }>();
  /** A guest's public rooms that the server did not name on the newest link. Until it does, or refuses him, the page takes him to be in them. */
  #unlisted = new Set<string>();
  /** The link that is open, and whose account the server was asked to confirm. */
  #asked = $state.raw<Link | null>(null);
  /** The same, once the server has confirmed it. */
  #link = $state.raw<Link | null>(null);
  #lastKey = 0;
  #stopped = false;
  #wasOnline = false;

  readonly unread = $derived.by(() => {
    const rooms = new Set([...this.#readings.keys(), ...this.opened.keys()]);
    return [...rooms].reduce((sum, room) => sum + this.unreadIn(room), this.inbox.unread);
  });

  readonly catchingUp = $derived((this.#asked !== null && this.#link === null) || [...this.opened.values()].some((room) => room.catchingUp));

  constructor(me: Me) {
    this.me = me;
    this.#copies = new Copies(me.account, this.#store);
    this.outbox = new Outbox(me.account, this.#store);
    this.drafts = new Drafts(me.account, this.#store);
    this.favourites = new Favourites(me.account);
    this.#live = new LiveUnread({
      me: me.user,
      counted: (rooms) => this.#counted(rooms),
      gone: (room, how) => this.#gone(room, how),
      isIn: (rooms) => this.#isIn(rooms),
    });
    this.#positions = new ReadPositions({ me: me.user, told: (room, reading) => this.#toldReading(room, reading) });
    this.inbox = new Inbox(
      {
        me: me.user,
        read: (seq, epoch) => {
          this.#positions.read(null, seq, epoch);
          // Waved away is waved away, also when the tab is closed in the next moment.
          this.#copies.write();
        },
        keep: (topic, copy) => this.#copies.keep(topic, copy),
      },
      this.#copies.read(Inbox.topic),
    );
    this.connection = new Connection({
      opened: (link) => void this.#opened(link),
      message: (topic, payload) => this.#message(topic, payload),
      closed: () => this.#closed(),
    });
  }

  start(): void {
    void this.#store.forgetOthers(this.me.account).then(() => {
      if (!this.#stopped) void this.outbox.start();
    });
    void this.drafts.start();
    this.connection.start();
    this.favourites.start();
    void this.#copies.read(directoryTopic).then((copy) => this.directory.restore(copy?.rooms ?? []));
    void this.directory.read();
    addEventListener('pagehide', this.#leavesPage);
  }

  stop(): void {
    this.#stopped = true;
    this.#asked = this.#link = null;
    for (const room of this.opened.values()) room.stop();
    this.#live.detach();
    this.directory.stop();
    removeEventListener('pagehide', this.#leavesPage);
    this.favourites.stop();
    this.outbox.stop();
    this.drafts.stop();
    this.#copies.stop();
    this.#positions.detach();
    this.connection.stop();
    void this.#store.close();
  }

  /** The reader goes to a room, or to a page that is none. Coming into a public one puts the account on its list. */
  visit(id: string | null): void {
    if (id !== null) this.#open(id);
    this.#here = id;
    if (id !== null) this.dismissFarewell(id);
  }

  /** Into a room that the account was put out of, if it lets it in. */
  comeBack(id: string): void {
    this.opened.delete(id);
    this.visit(id);
  }

  #open(id: string): void {
    let room = this.opened.get(id);
    if (!room) {
      room = new RoomState(id, this.#roomUser(), this.directory.find(id), this.#copies.read(`rooms/${id}`));
      const reading = this.#readings.get(id);
      if (reading) room.toldReading(reading, reading.head);
      this.#makePlace();
      void room.readRoom();
      if (this.#link) void room.attach(this.#link);
      else if (this.#asked === null) room.readAhead();
    }
    // Moved to the end: the first is the one that nobody has looked at for longest.
    this.opened.delete(id);
    this.opened.set(id, room);
  }

  unreadIn(id: string): number {
    const opened = this.opened.get(id);
    if (opened?.gone) return 0;
    // One that could not be read yet has counted nothing.
    return opened?.phase === 'ready' ? opened.unread : (this.#readings.get(id)?.unread ?? 0);
  }

  async create(id: string, title: string, visibility: Room['visibility']): Promise<Answer<unknown>> {
    const answer = await call<unknown>('POST', '/api/rooms', { id, title, visibility });
    if (answer.ok) await this.directory.read();
    return answer;
  }

  /** Into a room that the account is asked into. */
  async accept(id: string): Promise<Answer<unknown>> {
    const answer = await call<unknown>('PUT', `/api/rooms/${id}/members/me`);
    if (this.#stopped || !answer.ok) return answer;
    this.directory.answered(id);
    // It may have been looked at, and been closed, before.
    if (this.opened.get(id)?.phase === 'refused') this.opened.delete(id);
    void this.directory.read();
    router.go(`/rooms/${id}`);
    return answer;
  }

  /** The account is not asked into it again. */
  async decline(id: string): Promise<Answer<unknown>> {
    const answer = await call<unknown>('DELETE', `/api/rooms/${id}/members/me`);
    // It was answered on another device, or taken back.
    const isOver = !answer.ok && answer.problem.status === 404;
    if (this.#stopped || !(answer.ok || isOver)) return answer;
    this.directory.answered(id);
    return { ok: true, value: undefined };
  }

  /** Off the room's list and out of it. */
  async leave(id: string): Promise<Answer<unknown>> {
    const leaving = { told: false };
    this.#leftHere.set(id, leaving);
    const answer = await call<unknown>('DELETE', `/api/rooms/${id}/members/${this.me.user}`);
    if (this.#stopped) return answer;
    if (!answer.ok && !leaving.told) {
      this.#leftHere.delete(id);
      return answer;
    }
    this.#left(id);
    // Told by the server, it is done, also when the answer to the call was lost.
    return { ok: true, value: undefined };
  }

  /** The reader is back at the page. */
  lookAgain(): void {
    if (document.hidden) return this.#leavesPage();
    if (this.directory.age > longAway) void this.directory.read();
    for (const room of this.opened.values()) void room.askAgain();
  }

  dismissFarewell(room: string): void {
    this.farewells = this.farewells.filter((entry) => entry.room !== room);
  }

  dismiss(key: number): void {
    this.notices = this.notices.filter((entry) => entry.key !== key);
  }

  #leavesPage = (): void => {
    this.drafts.flush();
    this.#copies.write();
  };

  #roomUser() {
    return {
      me: this.me.user,
      author: () => session.me ?? this.me,
      outbox: this.outbox,
      directoryRead: this.directory.known,
      read: (room: string, seq: number, epoch: string) => {
        this.#readings.set(room, { seq, epoch, unread: 0, head: Math.max(seq, this.#readings.get(room)?.head ?? 0) });
        this.#positions.read(room, seq, epoch);
      },
      keep: (...args: Parameters<Copies['keep']>) => this.#copies.keep(...args),
    };
  }

  /** Nobody can follow so many rooms; what is said in those let go of is read when they are opened again. */
  #makePlace(): void {
    for (const [id, room] of this.opened) {
      if (this.opened.size < mostOpened) return;
      room.stop();
      this.opened.delete(id);
    }
  }

  /** Nothing is sent or read before the server has confirmed whose connection it is: the cookie may have changed since this page was opened. */
  async #opened(link: Link): Promise<void> {
    this.#asked = link;
    // Both at once: without knowing whether it was put out meanwhile, the page would come back into a public room.
    const [own, rooms] = await Promise.all([this.inbox.attach(link), this.#live.attach(link)]);
    if (this.#asked !== link || own === 'lost') return;
    if (own === 'refused') return link.close();
    this.#link = link;
    this.lostAt = null;
    if (this.#wasOnline) void this.directory.read();
    this.#wasOnline = true;
    this.connection.isOurs();
    this.outbox.attach(link);
    void this.#positions.attach(link, rooms === 'granted');
    for (const room of this.opened.values()) if (!room.gone) void this.#attach(room, link);
    for (const id of this.#unlisted) if (!this.opened.has(id)) void this.#comeInAgain(id);
  }

  /** A guest comes back into a public room like this; into one that does not let him in any more nothing more is sent. */
  async #attach(room: RoomState, link: Link): Promise<void> {
    await room.attach(link);
    if (room.gone && this.#unlisted.has(room.id) && this.#link === link) this.#putOut(room.id, room.gone);
  }

  /** Of a guest's rooms one that was not looked into in this visit, or not of late. */
  async #comeInAgain(id: string): Promise<void> {
    const answer = await call<unknown>('PUT', `/api/rooms/${id}/members/me`);
    const isShut = !answer.ok && (answer.problem.status === 404 || answer.problem.status === 403);
    if (!this.#stopped && isShut && this.#unlisted.has(id)) this.#putOut(id, 'lost');
  }

  #closed(): void {
    if (this.#link) this.lostAt = Date.now();
    this.#asked = null;
    this.#link = null;
    this.#live.detach();
    this.#leftHere.clear();
    this.outbox.detach();
    this.#positions.detach();
    for (const room of this.opened.values()) room.detach();
  }

  #message(topic: string, payload: string): void {
    const [root, name, ...rest] = topic.split('/');
    if (root === 'rooms' && name) {
      this.opened.get(name)?.receive(rest.join('/'), payload);
      const room = this.opened.get(name)?.room;
      if (rest[0] === 'info' && room) this.directory.rename(room);
      if (rest[0] === 'presence' && rest[1] === this.me.user) this.#hearOwnName(readPresent(parseJson(payload))?.name);
    } else if (root === 'users' && rest[0] === 'read') {
      this.#positions.receive(rest.slice(1), payload);
    } else if (root === 'users' && rest[0] === 'unread') {
      this.#live.receive(parseJson(payload));
    } else if (root === 'users') {
      this.#receiveOwn(parseJson(payload));
    }
  }

  #toldReading(room: string | null, reading: Reading, head = 0): void {
    if (room === null) return this.inbox.toldReading(reading);
    const newer = newerReading(this.#readings.get(room), reading, head);
    this.#readings.set(room, newer);
    this.opened.get(room)?.toldReading(newer, head);
  }

  #counted(rooms: readonly RoomUnread[]): void {
    for (const { room, head, seq, epoch, unread } of rooms) {
      this.#toldReading(room, { seq, epoch, unread }, head);
      this.#unlisted.delete(room);
    }
    const joined = new Set(rooms.map(({ room }) => room).filter((room) => !this.directory.mine.has(room)));
    if (joined.size === 0) return;
    const isListed = this.directory.join(joined);
    // It may have been let in again by the one who put it out.
    for (const room of joined) if (this.opened.get(room)?.gone) this.#letIn(room);
    if (!isListed && this.directory.phase !== 'loading') void this.directory.read();
  }

  #letIn(id: string): void {
    this.opened.delete(id);
    this.dismissFarewell(id);
    if (this.#here === id) this.#open(id);
  }

  /**
   * What became of the others while there was no connection, nobody can tell any more. Of a guest the server does not store in which public rooms he is: after a restart
   * it names none of them, and he comes in again.
   */
  #isIn(rooms: ReadonlySet<string>): void {
    const isOpen = (id: string) => this.me.kind === 'guest' && this.directory.find(id)?.visibility === 'public';
    this.#unlisted = new Set([...this.directory.mine].filter((id) => !rooms.has(id) && isOpen(id)));
    for (const id of this.directory.mine) if (!rooms.has(id) && !this.#unlisted.has(id)) this.#putOut(id, 'lost');
    this.directory.keepTo(new Set([...rooms, ...this.#unlisted]));
  }

  #gone(id: string, how: Gone): void {
    if (how !== 'left') return this.#putOut(id, how);
    const leaving = this.#leftHere.get(id);
    if (!leaving) return this.#left(id);
    // Of the one that was left from here, the end of that call has seen to it already, or will.
    leaving.told = true;
    this.#leftHere.delete(id);
  }

  #left(id: string): void {
    this.#forget(id, 'left');
    this.opened.get(id)?.stop();
    // In place of the room: going back would come into it again.
    if (this.#here === id) router.go('/rooms', { replace: true });
    this.opened.delete(id);
  }

  #putOut(id: string, how: Farewell['how']): void {
    const title = this.opened.get(id)?.title ?? this.directory.find(id)?.title ?? id;
    const opened = this.opened.get(id);
    this.#forget(id, how);
    // The room has found out by itself.
    if (opened?.gone) return;
    opened?.lose(how);
    // One that was not looked into in this visit may have been left on another device.
    if (this.#here !== id && (opened || how !== 'lost')) this.farewells = [...this.farewells.filter((entry) => entry.room !== id), { room: id, title, how }].slice(-mostFarewells);
  }

  /** Nothing of the room is kept, and nothing more is sent to it: a message would come into a public one again. */
  #forget(id: string, how: Farewell['how'] | 'left'): void {
    this.#unlisted.delete(id);
    this.#readings.delete(id);
    this.#copies.keep(`rooms/${id}`, null);
    void this.outbox.giveUp(`rooms/${id}`);
    if (how === 'deleted') this.favourites.drop(id);
    this.directory.leave(id, how === 'deleted');
  }

  /** A change made in another browser is told by presence alone. */
  #hearOwnName(name: string | undefined): void {
    if (name !== undefined && session.me !== null && name !== session.me.name) void session.check();
  }

  #receiveOwn(value: unknown): void {
    this.inbox.receive(value);
    const notice = readNotice(value);
    // Shown among the rooms, where it can be answered.
    if (notice?.code === 'invited') void this.directory.read();
    else if (notice) this.notices = [...this.notices.slice(-2), { key: ++this.#lastKey, notice }];
  }
}
