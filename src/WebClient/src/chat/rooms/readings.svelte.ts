import { SvelteMap } from 'svelte/reactivity';
import type { Reading } from '../model/protocol';
import { newerReading, type Counted } from '../model/reading';
import type { OpenRooms } from './openRooms.svelte';

/** How far the account has read in each of its rooms, and how much is unread there: an open room counts itself, of the others the server tells. */
export class Readings {
  readonly #told = new SvelteMap<string, Counted>();
  readonly #opened: OpenRooms;

  /** In all rooms. */
  readonly unread = $derived.by(() => {
    const rooms = new Set([...this.#told.keys(), ...this.#opened.ids()]);
    return [...rooms].reduce((sum, room) => sum + this.unreadIn(room), 0);
  });

  constructor(opened: OpenRooms) {
    this.#opened = opened;
  }

  /** What the server has told of a room. */
  of(room: string): Counted | null {
    return this.#told.get(room) ?? null;
  }

  unreadIn(room: string): number {
    const opened = this.#opened.get(room);
    if (opened?.gone) return 0;
    // One that could not be read yet has counted nothing.
    return opened?.phase === 'ready' ? opened.unread : (this.#told.get(room)?.unread ?? 0);
  }

  /** The reader has seen everything up to here, on this page. */
  readHere(room: string, seq: number, epoch: string): void {
    this.#told.set(room, { seq, epoch, unread: 0, head: Math.max(seq, this.#told.get(room)?.head ?? 0) });
  }

  /** By the server; `head`: the newest seq, up to which it has counted. */
  told(room: string, reading: Reading, head = 0): void {
    const newer = newerReading(this.#told.get(room), reading, head);
    this.#told.set(room, newer);
    this.#opened.get(room)?.toldReading(newer, head);
  }

  forget(room: string): void {
    this.#told.delete(room);
  }
}
