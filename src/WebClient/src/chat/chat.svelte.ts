import { SvelteMap } from 'svelte/reactivity';
import { call, type Answer } from '../lib/http';
import { session, type Me } from '../session/session.svelte';
import { Connection } from './connection.svelte';
import { Copies } from './copies';
import { Drafts } from './drafts';
import { Inbox } from './inbox.svelte';
import type { Link } from './link';
import { Outbox } from './outbox.svelte';
import { parseJson, readNotice, readPresent, readRoom, type Notice, type Reading, type Room } from './protocol';
import { ReadPositions } from './readPositions';
import { RoomState } from './room.svelte';
import { Store } from './store';

const directoryEvery = 30_000;
/** A client may hold 100 filters, and a room takes four. */
const mostOpened = 20;

/** Everything the chat pages draw for one signed-in person. Present only in the rooms that were opened in this visit. */
export class Chat {
  readonly me: Me;
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly drafts: Drafts;
  readonly opened = new SvelteMap<string, RoomState>();
  directory = $state.raw<Room[]>([]);
  directoryPhase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** What the server said about this account's doings: the newest three. */
  notices = $state.raw<{ key: number; notice: Notice }[]>([]);
  /** True: this browser keeps nothing, so what waits to be sent is gone with the page. Null: it was said and waved away. */
  forgetful = $state<boolean | null>(false);

  #confirming = $state(false);

  readonly #store = new Store(() => (this.forgetful = true));
  readonly #copies: Copies;
  readonly #positions: ReadPositions;
  /** What is known of rooms that are not open. */
  readonly #readings = new SvelteMap<string, Reading>();
  readonly #directoryRead: Promise<void>;
  #directoryWasRead!: () => void;
  /** Open, and asked whose it is. */
  #asked: Link | null = null;
  #link: Link | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastKey = 0;

  readonly unread = $derived.by(() => {
    const opened = [...this.opened.values()].reduce((sum, room) => sum + room.unread, 0);
    const others = this.directory.reduce((sum, room) => sum + (this.opened.has(room.id) ? 0 : this.unreadIn(room.id)), 0);
    return opened + others + this.inbox.unread;
  });

  readonly catchingUp = $derived(this.#confirming || [...this.opened.values()].some((room) => room.catchingUp));

  constructor(me: Me) {
    this.me = me;
    this.#directoryRead = new Promise((resolve) => (this.#directoryWasRead = resolve));
    this.#copies = new Copies(me.account, this.#store);
    this.outbox = new Outbox(me.account, this.#store);
    this.drafts = new Drafts(me.account, this.#store);
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
    void this.#store.forgetOthers(this.me.account).then(() => this.outbox.start());
    void this.drafts.start();
    this.connection.start();
    void this.readDirectory();
    addEventListener('pagehide', this.#leavesPage);
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.readDirectory();
    }, directoryEvery);
  }

  stop(): void {
    clearInterval(this.#timer);
    removeEventListener('pagehide', this.#leavesPage);
    this.outbox.stop();
    this.drafts.stop();
    this.#copies.stop();
    this.#positions.detach();
    this.connection.stop();
    void this.#store.close();
  }

  open(id: string): RoomState {
    let room = this.opened.get(id);
    if (!room) {
      room = new RoomState(id, this.#roomUser(), this.directory.find((entry) => entry.id === id) ?? null, this.#copies.read(`rooms/${id}`));
      const reading = this.#readings.get(id);
      if (reading) room.toldReading(reading, room.room?.head ?? 0);
      this.#makePlace();
      void room.readRoom();
      if (this.#link) void room.attach(this.#link);
      else if (this.#asked === null) room.readAhead();
    }
    // Moved to the end: the first is the one that nobody has looked at for longest.
    this.opened.delete(id);
    this.opened.set(id, room);
    return room;
  }

  unreadIn(id: string): number {
    return this.opened.get(id)?.unread ?? this.#readings.get(id)?.unread ?? 0;
  }

  async create(id: string, title: string, visibility: Room['visibility']): Promise<Answer<unknown>> {
    const answer = await call<unknown>('POST', '/api/rooms', { id, title, visibility });
    if (answer.ok) await this.readDirectory();
    return answer;
  }

  /** Off the room's list and out of it. */
  async leave(id: string): Promise<Answer<unknown>> {
    const answer = await call<unknown>('DELETE', `/api/rooms/${id}/members/${this.me.user}`);
    if (answer.ok) {
      this.opened.get(id)?.leave();
      this.opened.delete(id);
      this.#copies.keep(`rooms/${id}`, null);
      await this.readDirectory();
    }
    return answer;
  }

  async readDirectory(): Promise<void> {
    const answer = await call<{ rooms?: unknown[] }>('GET', '/api/rooms');
    if (answer.ok) {
      this.directory = (answer.value.rooms ?? []).map(readRoom).filter((room) => room !== null);
      this.directoryPhase = 'ready';
      for (const room of this.directory) if (room.reading) this.#toldReading(room.id, room.reading, room.head);
    } else if (this.directoryPhase === 'loading') {
      this.directoryPhase = 'failed';
    }
    this.#directoryWasRead();
  }

  /** The reader is back at the page: what happened to the rooms meanwhile is told by nobody. */
  lookAgain(): void {
    if (document.hidden) return this.#leavesPage();
    void this.readDirectory();
    for (const room of this.opened.values()) void room.askAgain();
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
      directoryRead: this.#directoryRead,
      read: (room: string, seq: number, epoch: string) => {
        this.#readings.set(room, { seq, epoch, unread: 0 });
        this.#positions.read(room, seq, epoch);
      },
      keep: (...args: Parameters<Copies['keep']>) => this.#copies.keep(...args),
    };
  }

  /** Nobody can follow so many rooms; what is said in those let go of is read when they are opened again. */
  #makePlace(): void {
    for (const [id, room] of this.opened) {
      if (this.opened.size < mostOpened) return;
      room.leave();
      this.opened.delete(id);
    }
  }

  /** Nothing is sent or read before the server has confirmed whose connection it is: the cookie may have changed since this page was opened. */
  async #opened(link: Link): Promise<void> {
    this.#asked = link;
    this.#confirming = true;
    const own = await this.inbox.attach(link);
    if (this.#asked !== link || own === 'lost') return;
    if (own === 'refused') return link.close();
    this.#confirming = false;
    this.#link = link;
    this.connection.isOurs();
    this.outbox.attach(link);
    void this.#positions.attach(link);
    for (const room of this.opened.values()) void room.attach(link);
  }

  #closed(): void {
    this.#asked = null;
    this.#confirming = false;
    this.#link = null;
    this.outbox.detach();
    this.#positions.detach();
    for (const room of this.opened.values()) room.detach();
  }

  #message(topic: string, payload: string): void {
    const [root, name, ...rest] = topic.split('/');
    if (root === 'rooms' && name) {
      this.opened.get(name)?.receive(rest.join('/'), payload);
      if (rest[0] === 'presence' && rest[1] === this.me.user) this.#hearOwnName(readPresent(parseJson(payload))?.name);
    } else if (root === 'users' && rest[0] === 'read') {
      this.#positions.receive(rest.slice(1), payload);
    } else if (root === 'users') {
      this.#receiveOwn(parseJson(payload));
    }
  }

  #toldReading(room: string | null, reading: Reading, head = 0): void {
    if (room === null) return this.inbox.toldReading(reading);
    this.#readings.set(room, reading);
    this.opened.get(room)?.toldReading(reading, head);
  }

  /** A change made in another browser is told by presence alone. */
  #hearOwnName(name: string | undefined): void {
    if (name !== undefined && session.me !== null && name !== session.me.name) void session.check();
  }

  #receiveOwn(value: unknown): void {
    this.inbox.receive(value);
    const notice = readNotice(value);
    if (notice) this.notices = [...this.notices.slice(-2), { key: ++this.#lastKey, notice }];
  }
}
