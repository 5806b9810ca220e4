import { call } from '../lib/http';
import { router } from '../lib/router.svelte';
import { session, type Me } from '../session/session.svelte';
import { Copies } from '../store/copies';
import { Drafts } from '../store/drafts';
import { Favourites } from '../store/favourites.svelte';
import { Store } from '../store/store';
import { Alerts } from './alerts/alerts';
import { Outbox } from './compose/outbox.svelte';
import { Inbox } from './inbox/inbox.svelte';
import { Connection } from './link/connection.svelte';
import type { Link } from './link/link';
import { Lists } from './lists';
import { Mentions } from './mentions/mentions.svelte';
import { titleOf } from './names';
import { isModeration } from './model/calling';
import { parseJson, readNotice, readWhisper, type Author, type Notice, type RoomEvent } from './model/protocol';
import { readTalkUnread, readTold, type Told } from './model/told';
import { IgnoredPeople } from './people/ignored.svelte';
import { Readers } from './readers';
import { RoomState } from './room/room.svelte';
import { Levels } from './rooms/levels.svelte';
import { LiveUnread } from './rooms/liveUnread';
import { Memberships } from './rooms/memberships.svelte';
import { OpenRooms } from './rooms/openRooms.svelte';
import { Readings } from './rooms/readings.svelte';
import { ReadPositions } from './rooms/readPositions';
import { RoomDirectory } from './rooms/roomDirectory.svelte';
import { Saved } from './saved/saved.svelte';
import { SearchState } from './search/search.svelte';
import { Conversations, conversationsTopic } from './talk/conversations.svelte';
import { Publishing } from './talk/publishing';
import { TalkState } from './talk/talk.svelte';

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
  readonly ignored: IgnoredPeople;
  readonly conversations: Conversations;
  readonly talks: OpenRooms<TalkState>;
  readonly talkReadings: Readings;
  readonly levels: Levels;
  readonly mentions: Mentions;
  readonly saved = new Saved();
  readonly search = new SearchState();
  readonly alerts: Alerts;
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
  readonly #lists: Lists;
  readonly #readers: Readers;
  /** The link that is open, and whose account the server was asked to confirm. */
  #asked = $state.raw<Link | null>(null);
  /** The same, once the server has confirmed it. */
  #link = $state.raw<Link | null>(null);
  #lastKey = 0;
  #stopped = false;
  #wasOnline = false;

  /** The connection, once the server has confirmed whose it is; null: there is none. */
  get link(): Link | null {
    return this.#link;
  }

  readonly unread = $derived.by(() => this.readings.unread + this.talkReadings.unread);
  /** What is unread and meant for the reader: the title and the icons show it. */
  readonly calls = $derived.by(() => this.readings.mentions + this.talkReadings.unread);
  readonly catchingUp = $derived.by(() => (this.#asked !== null && this.#link === null) || this.opened.catchingUp || this.talks.catchingUp);

  constructor(me: Me) {
    this.me = me;
    this.#copies = new Copies(me.account, this.#store);
    this.outbox = new Outbox(me.account, this.#store);
    this.drafts = new Drafts(me.account, this.#store);
    this.favourites = new Favourites(me.account);
    this.opened = new OpenRooms((id) => this.#openRoom(id));
    this.levels = new Levels(() => this.directory.rooms);
    this.readings = new Readings(this.opened, (room) => this.levels.isMuted(room));
    this.directory = new RoomDirectory(
      (room, reading, head) => this.readings.listed(room, reading, head),
      (asOf) => this.#listed(asOf),
    );
    const { directory, opened, readings, favourites, outbox } = this;
    this.memberships = new Memberships({ me, directory, opened, readings, favourites, outbox, copies: this.#copies, lost: (topic) => this.#lists.lose(topic) });
    this.alerts = new Alerts({ ...me, me: me.user, levelOf: (room) => this.levels.of(room), titleOf: (room) => titleOf(this, room), go: (address) => router.go(address) });
    this.mentions = new Mentions({
      me: me.user,
      positionIn: (room) => readings.of(room)?.seq ?? null,
      called: (calling) => {
        this.alerts.called(calling);
        if (calling.type === 'requested') void opened.get(calling.room)?.readRoom();
      },
    });
    this.#lists = new Lists(this.mentions, this.saved, this.search, this.alerts);
    const { memberships } = this;
    this.#live = new LiveUnread({
      me: me.user,
      counted: (rooms) => {
        memberships.counted(rooms);
        this.alerts.counted(rooms);
      },
      gone: (room, how) => {
        this.levels.forget(room);
        memberships.gone(room, how);
      },
      isIn: (rooms) => memberships.isIn(rooms),
    });
    this.#positions = new ReadPositions({
      me: me.user,
      told: (room, reading) => this.readings.told(room, reading),
      wentBack: (room) => this.readings.wentBack(room),
    });
    this.talks = new OpenRooms<TalkState>((user) => this.#openTalk(user));
    this.talkReadings = new Readings(this.talks, (user) => this.ignored.has(user));
    this.conversations = new Conversations({
      me: me.user,
      counted: (user, reading, head) => this.talkReadings.listed(user, reading, head),
      silenced: (user) => {
        this.talkReadings.forget(user);
        this.#copies.keep(`users/${user}`, null);
      },
      named: (users) => void this.#copies.keepOnly('users/', (user) => users.has(user) || (this.talks.has(user) && !this.ignored.has(user))),
      keep: (now) => this.#copies.keep(conversationsTopic, () => this.conversations.copy(), now),
    });
    this.ignored = new IgnoredPeople((user) => this.#turnedAway(user));
    const { conversations, drafts, ignored, saved, talkReadings } = this;
    const parts = { copies: this.#copies, positions: this.#positions, lists: this.#lists };
    this.#readers = new Readers({ me, outbox, ignored, drafts, directory, conversations, readings, talkReadings, saved, ...parts });
    this.inbox = new Inbox(
      {
        me: me.user,
        isRead: ({ user, event }) => this.#isRead(user, event),
        wasThere: ({ user, event }) => this.conversations.wasThere(user, event),
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
    this.alerts.start();
    void this.#copies.read(directoryTopic).then((copy) => this.directory.restore(copy?.rooms ?? []));
    void this.directory.read();
    void this.#copies.read(conversationsTopic).then((copy) => this.conversations.restore(copy));
    void this.conversations.read();
    void this.ignored.read();
    addEventListener('pagehide', this.#leavesPage);
  }

  stop(): void {
    this.#stopped = true;
    this.#asked = this.#link = null;
    this.memberships.stop();
    for (const open of [...this.opened.values(), ...this.talks.values()]) open.stop();
    this.conversations.stop();
    this.#live.detach();
    this.directory.stop();
    this.mentions.stop();
    this.saved.stop();
    this.alerts.stop();
    removeEventListener('pagehide', this.#leavesPage);
    this.favourites.stop();
    this.outbox.stop();
    this.drafts.stop();
    this.#copies.stop();
    this.#positions.detach();
    this.connection.stop();
    void this.#store.close();
  }

  /** The reader goes to a room, or to a page that is none. Coming into a public one puts the account on its list. `talk`: to what is said with somebody. */
  visit(id: string | null, talk: string | null = null): void {
    this.opened.show(id);
    const before = this.talks.current;
    this.talks.show(talk);
    if (before && this.ignored.has(before.id)) this.talks.letGo(before.id);
    if (id !== null) this.memberships.dismissFarewell(id);
  }

  /** The reader is back at the page. */
  lookAgain(): void {
    if (document.hidden) return this.#leavesPage();
    if (this.directory.age > longAway) void Promise.all([this.directory.read(), this.#lists.refresh()]);
    for (const room of this.opened.values()) void room.askAgain();
  }

  /** The server tells what has changed by it. */
  async markAllRead(): Promise<void> {
    void this.mentions.readAll();
    const answer = await call<unknown>('POST', '/api/read');
    if (!answer.ok) this.#notify({ code: answer.problem.code ?? '', text: answer.problem.message, topic: null });
  }

  dismiss(key: number): void {
    this.notices = this.notices.filter((entry) => entry.key !== key);
  }

  #leavesPage = (): void => {
    this.drafts.flush();
    this.#store.leavePage();
    this.#copies.write();
  };

  #listed(asOf: number | null): void {
    this.#copies.keep(directoryTopic, () => ({ topic: directoryTopic, epoch: '', oldest: 0, events: [], read: null, room: null, rooms: this.directory.kept }));
    if (asOf !== null) for (const room of this.opened.values()) room.described(this.directory.find(room.id), asOf);
  }

  #openRoom(id: string): RoomState {
    const room = new RoomState(id, this.#readers.inRooms(), this.directory.find(id), this.#copies.read(`rooms/${id}`));
    const reading = this.readings.of(id);
    if (reading) room.toldReading(reading, reading.head);
    void room.readRoom();
    if (this.#link) void room.attach(this.#link);
    else if (this.#asked === null) room.readAhead();
    return room;
  }

  /** Among those who are in a room that is open. */
  #knownAs(user: string): Author | null {
    if (user === this.me.user) return session.me ?? this.me;
    for (const room of this.opened.values()) {
      const present = room.people.get(user);
      if (present) return present;
    }
    return null;
  }

  #isRead(user: string, { epoch, seq }: RoomEvent): boolean {
    const reading = this.talkReadings.of(user);
    return reading?.epoch === epoch && reading.seq >= seq;
  }

  #openTalk(user: string): TalkState {
    const copy = this.#copies.read(`users/${user}`);
    const talk = new TalkState(user, this.#readers.with(user), () => this.conversations.find(user), copy, () => this.#knownAs(user));
    const reading = this.talkReadings.of(user);
    if (reading) talk.toldReading(reading, reading.head);
    if (this.#link) void talk.attach(this.#link);
    else if (this.#asked === null) talk.readAhead();
    else talk.expect();
    return talk;
  }

  /** Nothing is sent or read before the server has confirmed whose connection it is: the cookie may have changed since this page was opened. */
  async #opened(link: Link): Promise<void> {
    this.#asked = link;
    this.alerts.connected();
    // Both at once: without knowing whether it was put out meanwhile, the page would come back into a public room.
    for (const talk of this.talks.values()) talk.expect();
    const [own, rooms] = await Promise.all([this.inbox.attach(link), this.#live.attach(link)]);
    if (this.#asked !== link || own === 'lost') return;
    if (own === 'refused') return link.close();
    this.#link = link;
    this.lostAt = null;
    if (this.#wasOnline) void this.directory.read();
    this.#wasOnline = true;
    this.connection.isOurs();
    const publishing = new Publishing(link, this.conversations);
    this.outbox.attach(publishing);
    void this.#positions.attach(publishing, rooms === 'granted');
    this.memberships.attach(link);
    // What is unread is told from here on as it changes: how it is at first, the list says.
    void this.conversations.read();
    void this.ignored.read();
    void link.subscribe(`users/${this.me.user}/conversations/+/typing`, 0);
    for (const talk of this.talks.values()) void talk.attach(link);
    void this.mentions.attach(link);
    void Promise.all([this.saved.refresh(), this.search.refresh()]);
  }

  #closed(): void {
    if (this.#link) this.lostAt = Date.now();
    this.#asked = null;
    this.#link = null;
    this.#live.detach();
    this.memberships.detach();
    this.outbox.detach();
    this.#positions.detach();
    for (const open of [...this.opened.values(), ...this.talks.values()]) open.detach();
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
      for (const { user, reading, head } of readTalkUnread(parseJson(payload))) {
        this.talkReadings.told(user, reading, head);
        if (reading.unread === 0) this.alerts.read(`users/${user}`);
      }
    } else if (root === 'users' && rest[0] === 'conversations') {
      if (rest[2] === 'typing') this.talks.get(rest[1]!)?.heardTyping();
    } else if (root === 'users' && rest[0] === 'notices') {
      this.mentions.receive(parseJson(payload));
    } else if (root === 'users') {
      this.#receiveOwn(parseJson(payload));
    }
  }

  /** A change made in another browser is told by the people of a room alone. */
  #hearOwnName(name: string | null | undefined): void {
    if (name != null && session.me !== null && name !== session.me.name) void session.check();
  }

  #hearTold(told: Told): void {
    const { user, event } = told;
    const talk = this.talks.get(user);
    talk?.receive(event);
    // What was replaced or deleted stays in no copy: the server has it as it is now.
    if (!talk && (event.type === 'delete' || event.type === 'edit')) {
      this.#copies.keep(`users/${user}`, null);
      this.#lists.follow(`users/${user}`, event);
    }
    this.conversations.tell(told);
  }

  /** Somebody is ignored, or is heard again. What is deleted meanwhile is not told: nothing is kept, and what is shown reads what it has missed. */
  #turnedAway(user: string): void {
    this.#copies.keep(`users/${user}`, null);
    this.talks.letGo(user);
    if (this.#link) void this.talks.get(user)?.attach(this.#link);
    void this.conversations.read();
  }

  #receiveOwn(value: unknown): void {
    const told = readTold(value);
    if (told) this.#hearTold(told);
    this.inbox.receive(value, told);
    const whisper = readWhisper(value);
    if (whisper) this.alerts.whispered(whisper, told?.event.seq ?? null);
    const notice = readNotice(value);
    // Shown among the rooms, where it can be answered.
    if (notice?.code === 'invited') void this.directory.read();
    // It is among the mentions, with what it needs to be said in words of the page; the room itself shows it, too.
    else if (notice && !isModeration(notice.code)) this.#notify(notice);
  }

  #notify(notice: Notice): void {
    this.notices = [...this.notices.slice(-2), { key: ++this.#lastKey, notice }];
  }
}
