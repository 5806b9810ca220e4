import { SvelteMap } from 'svelte/reactivity';
import type { RoomState } from '../room/room.svelte';

/** A client may hold 100 filters, and a room takes four. */
const mostOpened = 20;

/** What is opened: a room, or a conversation. */
export interface Opened {
  readonly catchingUp: boolean;
  readonly phase: RoomState['phase'];
  readonly unread: number;
  readonly gone?: RoomState['gone'];
  toldReading: RoomState['toldReading'];
  goBack: RoomState['goBack'];
  stop(): void;
}

/** The rooms that were opened in this visit, and which of them the page shows. The reader is present in these and no others. Conversations are opened alike. */
export class OpenRooms<T extends Opened = RoomState> {
  readonly #rooms = new SvelteMap<string, T>();
  readonly #open: (id: string) => T;
  /** The id of the room that the page shows. */
  #shown = $state<string | null>(null);

  readonly current = $derived(this.#shown === null ? null : (this.#rooms.get(this.#shown) ?? null));
  readonly catchingUp = $derived([...this.#rooms.values()].some((room) => room.catchingUp));

  /** `open` makes a room that begins to read and to follow what is said. */
  constructor(open: (id: string) => T) {
    this.#open = open;
  }

  get(id: string): T | undefined {
    return this.#rooms.get(id);
  }

  has(id: string): boolean {
    return this.#rooms.has(id);
  }

  ids(): Iterable<string> {
    return this.#rooms.keys();
  }

  values(): Iterable<T> {
    return this.#rooms.values();
  }

  isShown(id: string): boolean {
    return this.#shown === id;
  }

  /** Null: a page that is no room. */
  show(id: string | null): void {
    if (id !== null) this.open(id);
    this.#shown = id;
  }

  open(id: string): void {
    const room = this.#rooms.get(id) ?? this.#openAnother(id);
    // Moved to the end: the first is the one that nobody has looked at for longest.
    this.#rooms.delete(id);
    this.#rooms.set(id, room);
  }

  /** It is not followed here any more; whoever closes it sees to what the server is told. */
  close(id: string): void {
    this.#rooms.delete(id);
  }

  /** It is followed no more, unless the page shows it. */
  letGo(id: string): void {
    if (this.isShown(id)) return;
    this.#rooms.get(id)?.stop();
    this.close(id);
  }

  /** Nobody can follow so many rooms; what is said in those let go of is read when they are opened again. */
  #openAnother(id: string): T {
    for (const [longest, room] of this.#rooms) {
      if (this.#rooms.size < mostOpened) break;
      room.stop();
      this.#rooms.delete(longest);
    }
    return this.#open(id);
  }
}
