import { SvelteMap } from 'svelte/reactivity';
import { call, type Answer } from '../lib/http';
import { session, type Me } from '../session/session.svelte';
import { Connection } from './connection.svelte';
import type { Link } from './link';
import { parseJson, readNotice, readPresent, readRoom, readWhisper, type Notice, type Room, type Whisper } from './protocol';
import { RoomState } from './room.svelte';

const directoryEvery = 30_000;

/** Everything the chat pages draw for one signed-in person. Present only in the rooms that were opened in this visit. */
export class Chat {
  readonly me: Me;
  readonly connection: Connection;
  readonly opened = new SvelteMap<string, RoomState>();
  directory = $state.raw<Room[]>([]);
  directoryPhase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** What the server said about this account's doings: the newest three. */
  notices = $state.raw<{ key: number; notice: Notice }[]>([]);
  /** Kept until dismissed: nobody may lose what was said to them alone. */
  whispers = $state.raw<{ key: number; whisper: Whisper }[]>([]);

  #link: Link | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastKey = 0;

  readonly unread = $derived([...this.opened.values()].reduce((sum, room) => sum + room.unread, 0));

  constructor(me: Me) {
    this.me = me;
    this.connection = new Connection({
      opened: (link) => this.#opened(link),
      message: (topic, payload) => this.#message(topic, payload),
      closed: () => {
        this.#link = null;
        for (const room of this.opened.values()) room.detach();
      },
    });
  }

  start(): void {
    this.connection.start();
    void this.readDirectory();
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.readDirectory();
    }, directoryEvery);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.connection.stop();
  }

  open(id: string): RoomState {
    let room = this.opened.get(id);
    if (!room) {
      room = new RoomState(id, this.me.user);
      room.room = this.directory.find((entry) => entry.id === id) ?? null;
      this.opened.set(id, room);
      void room.readRoom();
      if (this.#link) void room.attach(this.#link);
    }
    return room;
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
      await this.readDirectory();
    }
    return answer;
  }

  async readDirectory(): Promise<void> {
    const answer = await call<{ rooms?: unknown[] }>('GET', '/api/rooms');
    if (answer.ok) {
      this.directory = (answer.value.rooms ?? []).map(readRoom).filter((room) => room !== null);
      this.directoryPhase = 'ready';
    } else if (this.directoryPhase === 'loading') {
      this.directoryPhase = 'failed';
    }
  }

  /** The reader is back at the page: what happened to the rooms meanwhile is told by nobody. */
  lookAgain(): void {
    if (document.hidden) return;
    void this.readDirectory();
    for (const room of this.opened.values()) void room.askAgain();
  }

  dismiss(key: number): void {
    this.notices = this.notices.filter((entry) => entry.key !== key);
    this.whispers = this.whispers.filter((entry) => entry.key !== key);
  }

  #opened(link: Link): void {
    this.#link = link;
    void link.subscribe(`users/${this.me.user}`, 1);
    for (const room of this.opened.values()) void room.attach(link);
  }

  #message(topic: string, payload: string): void {
    const [root, name, ...rest] = topic.split('/');
    if (root === 'rooms' && name) {
      this.opened.get(name)?.receive(rest.join('/'), payload);
      if (rest[0] === 'presence' && rest[1] === this.me.user) this.#hearOwnName(readPresent(parseJson(payload))?.name);
    }
    if (root === 'users') this.#receiveOwn(parseJson(payload));
  }

  /** A change made in another browser is told by presence alone. */
  #hearOwnName(name: string | undefined): void {
    if (name !== undefined && session.me !== null && name !== session.me.name) void session.check();
  }

  #receiveOwn(value: unknown): void {
    const whisper = readWhisper(value);
    if (whisper) this.whispers = [...this.whispers, { key: ++this.#lastKey, whisper }];
    const notice = readNotice(value);
    if (notice) this.notices = [...this.notices.slice(-2), { key: ++this.#lastKey, notice }];
  }
}
