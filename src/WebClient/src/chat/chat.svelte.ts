import { session, type Me } from '../session/session.svelte';
import { Copies } from '../store/copies';
import { Drafts } from '../store/drafts';
import { Favourites } from '../store/favourites.svelte';
import { Store } from '../store/store';
import { Outbox } from './compose/outbox.svelte';
import { Inbox } from './inbox/inbox.svelte';
import { Connection } from './link/connection.svelte';
import type { Link } from './link/link';
import { parseJson, readNotice, type Notice } from './model/protocol';
import { RoomState } from './room/room.svelte';
import { LiveUnread } from './rooms/liveUnread';
import { Memberships } from './rooms/memberships.svelte';
import { OpenRooms } from './rooms/openRooms.svelte';
import { Readings } from './rooms/readings.svelte';
import { ReadPositions } from './rooms/readPositions';
import { RoomDirectory } from './rooms/roomDirectory.svelte';

/** What nobody tells, as the number of people in rooms that are not open, is read again by a reader who was away for so long. */
const longAway = 5 * 60_000;

/** Under this name the list of rooms is kept beside the copies of their ends. */
const directoryTopic = 'directory';

/** The chat of one signed-in person: puts its parts together, brings each of them the connection, and hands on what the server says. */
export class Chat {
  readonly me: Me;
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly drafts: Drafts;
  readonly favourites: Favourites;
  readonly opened: OpenRooms;
  readonly readings: Readings;
  readonly directory: RoomDirectory;
  readonly memberships: Memberships;
  /** What the server said about this account's doings: the newest three. */
  notices = $state.raw<{ key: number; notice: Notice }[]>([]);
  /** When the connection was lost, in milliseconds since 1970: who is here is as of then. Null: it is there, or never was. */
  lostAt = $state<number | null>(null);
  /** True: this browser keeps nothing, so what waits to be sent is gone with the page. Null: it was said and waved away. */
  forgetful = $state<boolean | null>(false);

  readonly #store = new Store(() => (this.forgetful = true));
  readonly #copies: Copies;
  readonly #positions: ReadPositions;
  readonly #live: LiveUnread;
  /** The link that is open, and whose account the server was asked to confirm. */
  #asked = $state.raw<Link | null>(null);
  /** The same, once the server has confirmed it. */
  #link = $state.raw<Link | null>(null);
  #lastKey = 0;
  #stopped = false;
  #wasOnline = false;

  readonly unread = $derived.by(() => this.readings.unread + this.inbox.unread);
  readonly catchingUp = $derived.by(() => (this.#asked !== null && this.#link === null) || this.opened.catchingUp);

  constructor(me: Me) {
    this.me = me;
    this.#copies = new Copies(me.account, this.#store);
    this.outbox = new Outbox(me.account, this.#store);
    this.drafts = new Drafts(me.account, this.#store);
    this.favourites = new Favourites(me.account);
    this.opened = new OpenRooms((id) => this.#openRoom(id));
    this.readings = new Readings(this.opened);
    this.directory = new RoomDirectory(
      (room, reading, head) => this.readings.told(room, reading, head),
      (asOf) => this.#listed(asOf),
    );
    const { directory, opened, readings, favourites, outbox } = this;
    this.memberships = new Memberships({ me, directory, opened, readings, favourites, outbox, copies: this.#copies });
    this.#live = new LiveUnread(this.memberships);
    this.#positions = new ReadPositions({
      me: me.user,
      told: (room, reading) => (room === null ? this.inbox.toldReading(reading) : this.readings.told(room, reading)),
    });
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
    this.memberships.stop();
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
    this.opened.show(id);
    if (id !== null) this.memberships.dismissFarewell(id);
  }

  /** The reader is back at the page. */
  lookAgain(): void {
    if (document.hidden) return this.#leavesPage();
    if (this.directory.age > longAway) void this.directory.read();
    for (const room of this.opened.values()) void room.askAgain();
  }

  dismiss(key: number): void {
    this.notices = this.notices.filter((entry) => entry.key !== key);
  }

  #leavesPage = (): void => {
    this.drafts.flush();
    this.#copies.write();
  };

  #listed(asOf: number | null): void {
    this.#copies.keep(directoryTopic, () => ({ topic: directoryTopic, epoch: '', oldest: 0, events: [], read: null, room: null, rooms: this.directory.kept }));
    if (asOf !== null) for (const room of this.opened.values()) room.described(this.directory.find(room.id), asOf);
  }

  #openRoom(id: string): RoomState {
    const room = new RoomState(id, this.#roomUser(), this.directory.find(id), this.#copies.read(`rooms/${id}`));
    const reading = this.readings.of(id);
    if (reading) room.toldReading(reading, reading.head);
    void room.readRoom();
    if (this.#link) void room.attach(this.#link);
    else if (this.#asked === null) room.readAhead();
    return room;
  }

  #roomUser() {
    return {
      me: this.me.user,
      author: () => session.me ?? this.me,
      outbox: this.outbox,
      directoryRead: this.directory.known,
      read: (room: string, seq: number, epoch: string) => {
        this.readings.readHere(room, seq, epoch);
        this.#positions.read(room, seq, epoch);
      },
      keep: (...args: Parameters<Copies['keep']>) => this.#copies.keep(...args),
    };
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
    this.memberships.attach(link);
  }

  #closed(): void {
    if (this.#link) this.lostAt = Date.now();
    this.#asked = null;
    this.#link = null;
    this.#live.detach();
    this.memberships.detach();
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
      if (rest[0] === 'people') this.#hearOwnName(this.opened.get(name)?.people.nameOf(this.me.user));
    } else if (root === 'users' && rest[0] === 'read') {
      this.#positions.receive(rest.slice(1), payload);
    } else if (root === 'users' && rest[0] === 'unread') {
      this.#live.receive(parseJson(payload));
    } else if (root === 'users') {
      this.#receiveOwn(parseJson(payload));
    }
  }

  /** A change made in another browser is told by the people of a room alone. */
  #hearOwnName(name: string | null | undefined): void {
    if (name != null && session.me !== null && name !== session.me.name) void session.check();
  }

  #receiveOwn(value: unknown): void {
    this.inbox.receive(value);
    const notice = readNotice(value);
    // Shown among the rooms, where it can be answered.
    if (notice?.code === 'invited') void this.directory.read();
    else if (notice) this.notices = [...this.notices.slice(-2), { key: ++this.#lastKey, notice }];
  }
}
