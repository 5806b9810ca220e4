import { call, type Answer } from '../../lib/http';
import { router } from '../../lib/router.svelte';
import type { Me } from '../../session/session.svelte';
import type { Copies } from '../../store/copies';
import type { Favourites } from '../../store/favourites.svelte';
import type { Outbox } from '../compose/outbox.svelte';
import type { Link } from '../link/link';
import type { Gone, Room, RoomUnread } from '../model/protocol';
import type { RoomState } from '../room/room.svelte';
import type { Ways } from '../room/ways';
import type { LiveUnreadUser } from './liveUnread';
import type { OpenRooms } from './openRooms.svelte';
import type { Readings } from './readings.svelte';
import type { RoomDirectory } from './roomDirectory.svelte';

const mostFarewells = 3;

/** A room that the account is no longer in, and did not leave from here. */
export interface Farewell {
  room: string;
  title: string;
  how: Exclude<Gone, 'left'> | 'lost';
}

/** What is known of rooms, and ends with the account's place in one. */
export interface KnownRooms {
  readonly me: Me;
  readonly directory: RoomDirectory;
  readonly opened: OpenRooms;
  readonly readings: Readings;
  readonly favourites: Favourites;
  readonly outbox: Outbox;
  readonly copies: Copies;
  /** What is said under `topic` may not be read any more. */
  lost(topic: string): void;
}

/** In which rooms the account is: how it comes into one and leaves it, and what happens when it is put out. */
export class Memberships implements LiveUnreadUser, Ways {
  /** To be told, unless the reader is in the room and sees it there: the newest few. */
  farewells = $state.raw<readonly Farewell[]>([]);

  readonly #known: KnownRooms;
  /** Left from here; the server tells that too, once, and by then the room may have been opened again. */
  readonly #leftHere = new Map<string, { told: boolean }>();
  /** A guest's public rooms that the server did not name on the newest link. Until it does, or refuses him, the page takes him to be in them. */
  #unlisted = new Set<string>();
  #link: Link | null = null;
  #stopped = false;

  constructor(known: KnownRooms) {
    this.#known = known;
  }

  get me(): string {
    return this.#known.me.user;
  }

  /** On each new link that the server has confirmed to be this account's. */
  attach(link: Link): void {
    const { opened } = this.#known;
    this.#link = link;
    for (const room of opened.values()) if (!room.gone) void this.#attach(room, link);
    for (const id of this.#unlisted) if (!opened.has(id)) void this.#comeInAgain(id);
  }

  detach(): void {
    this.#link = null;
    this.#leftHere.clear();
  }

  /** What is answered later is nobody's any more. */
  stop(): void {
    this.#stopped = true;
    this.#link = null;
  }

  async create(id: string, title: string, visibility: Room['visibility']): Promise<Answer<unknown>> {
    const answer = await call<unknown>('POST', '/api/rooms', { id, title, visibility });
    if (answer.ok) await this.#known.directory.read();
    return answer;
  }

  /** Into a room that the account is asked into. */
  async accept(id: string): Promise<Answer<unknown>> {
    const { directory, opened } = this.#known;
    const answer = await call<unknown>('PUT', `/api/rooms/${id}/members/me`);
    if (this.#stopped || !answer.ok) return answer;
    directory.answered(id);
    // It may have been looked at, and been closed, before.
    if (opened.get(id)?.phase === 'refused') opened.close(id);
    void directory.read();
    router.go(`/rooms/${id}`);
    return answer;
  }

  /** The account is not asked into it again. */
  async decline(id: string): Promise<Answer<unknown>> {
    const answer = await call<unknown>('DELETE', `/api/rooms/${id}/members/me`);
    // It was answered on another device, or taken back.
    const isOver = !answer.ok && answer.problem.status === 404;
    if (this.#stopped || !(answer.ok || isOver)) return answer;
    this.#known.directory.answered(id);
    return { ok: true, value: undefined };
  }

  async leave(id: string): Promise<Answer<unknown>> {
    const leaving = { told: false };
    this.#leftHere.set(id, leaving);
    const answer = await call<unknown>('DELETE', `/api/rooms/${id}/members/${this.me}`);
    if (this.#stopped) return answer;
    if (!answer.ok && !leaving.told) {
      this.#leftHere.delete(id);
      return answer;
    }
    this.#left(id);
    // Told by the server, it is done, also when the answer to the call was lost.
    return { ok: true, value: undefined };
  }

  /** A public room lets in whoever comes. Of many rooms the list names the busiest alone: of another the room itself has last heard what it is. */
  mayComeBack(id: string): boolean {
    const { directory, opened } = this.#known;
    return (directory.find(id) ?? opened.get(id)?.room)?.visibility === 'public';
  }

  comeBack(id: string): void {
    this.#known.opened.close(id);
    this.#known.opened.show(id);
    this.dismissFarewell(id);
  }

  dismissFarewell(room: string): void {
    this.farewells = this.farewells.filter((entry) => entry.room !== room);
  }

  counted(rooms: readonly RoomUnread[]): void {
    const { directory, opened, readings } = this.#known;
    for (const { room, head, ...reading } of rooms) {
      readings.told(room, reading, head);
      this.#unlisted.delete(room);
    }
    const joined = new Set(rooms.map(({ room }) => room).filter((room) => !directory.mine.has(room)));
    if (joined.size === 0) return;
    const isListed = directory.join(joined);
    // It may have been let in again by the one who put it out, or by who was asked.
    for (const room of joined) if (opened.get(room)?.phase === 'refused') this.#letIn(room);
    if (!isListed && directory.phase !== 'loading') void directory.read();
  }

  gone(id: string, how: Gone): void {
    if (how !== 'left') return this.#putOut(id, how);
    const leaving = this.#leftHere.get(id);
    if (!leaving) return this.#left(id);
    // Of the one that was left from here, the end of that call has seen to it already, or will.
    leaving.told = true;
    this.#leftHere.delete(id);
  }

  /**
   * What became of the others while there was no connection, nobody can tell any more. Of a guest the server does not store in which public rooms he is: after a restart
   * it names none of them, and he comes in again.
   */
  isIn(rooms: ReadonlySet<string>): void {
    const { copies, directory, me, opened } = this.#known;
    const isOpen = (id: string) => me.kind === 'guest' && directory.find(id)?.visibility === 'public';
    this.#unlisted = new Set([...directory.mine].filter((id) => !rooms.has(id) && isOpen(id)));
    for (const id of directory.mine) if (!rooms.has(id) && !this.#unlisted.has(id)) this.#putOut(id, 'lost');
    directory.keepTo(new Set([...rooms, ...this.#unlisted]));
    void copies.keepOnly('rooms/', (id) => directory.mine.has(id) || rooms.has(id) || this.#unlisted.has(id) || opened.has(id));
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

  #letIn(id: string): void {
    const { opened } = this.#known;
    opened.close(id);
    this.dismissFarewell(id);
    if (opened.isShown(id)) opened.open(id);
  }

  #left(id: string): void {
    const { opened } = this.#known;
    this.#forget(id, 'left');
    opened.get(id)?.stop();
    // In place of the room: going back would come into it again.
    if (opened.isShown(id)) router.go('/rooms', { replace: true });
    opened.close(id);
  }

  #putOut(id: string, how: Farewell['how']): void {
    const { directory, opened } = this.#known;
    const room = opened.get(id);
    const title = room?.title ?? directory.find(id)?.title ?? id;
    this.#forget(id, how);
    // The room has found out by itself.
    if (room?.gone) return;
    room?.lose(how);
    // One that was not looked into in this visit may have been left on another device.
    if (!opened.isShown(id) && (room || how !== 'lost')) this.farewells = [...this.farewells.filter((entry) => entry.room !== id), { room: id, title, how }].slice(-mostFarewells);
  }

  /** Nothing of the room is kept, and nothing more is sent to it: a message would come into a public one again. */
  #forget(id: string, how: Farewell['how'] | 'left'): void {
    const { copies, directory, favourites, lost, outbox, readings } = this.#known;
    this.#unlisted.delete(id);
    readings.forget(id);
    copies.keep(`rooms/${id}`, null);
    lost(`rooms/${id}`);
    void outbox.giveUp(`rooms/${id}`);
    if (how === 'deleted') favourites.drop(id);
    directory.leave(id, how === 'deleted');
  }
}
