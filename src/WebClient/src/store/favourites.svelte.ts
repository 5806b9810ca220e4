import { SvelteSet } from 'svelte/reactivity';
import { browserStorage } from '../lib/storage';

const prefix = 'webmessenger.favourites.';

/** The rooms that an account wants to have on top, kept in this browser and alike in all its tabs. */
export class Favourites {
  readonly #name: string;
  readonly #rooms = new SvelteSet<string>();

  constructor(account: string) {
    this.#name = prefix + account;
    this.#read(browserStorage.read(this.#name));
  }

  start(): void {
    addEventListener('storage', this.#hear);
  }

  stop(): void {
    removeEventListener('storage', this.#hear);
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  toggle(room: string): void {
    if (!this.#rooms.delete(room)) this.#rooms.add(room);
    this.#write();
  }

  /** The room is no more. */
  drop(room: string): void {
    if (this.#rooms.delete(room)) this.#write();
  }

  /** Another tab has changed them; a null key is a storage that was cleared. */
  #hear = (event: StorageEvent): void => {
    if (event.key === this.#name || event.key === null) this.#read(event.key === null ? null : event.newValue);
  };

  #read(value: string | null): void {
    const rooms = readRooms(value);
    for (const room of this.#rooms) if (!rooms.has(room)) this.#rooms.delete(room);
    for (const room of rooms) this.#rooms.add(room);
  }

  #write(): void {
    browserStorage.write(this.#name, JSON.stringify([...this.#rooms]));
  }
}

/** The names of private rooms, and of who was invited into them, are nobody else's business: they go with everything else that is kept of an account. */
export function forgetFavourites(but: string | null = null): void {
  for (const name of browserStorage.names()) if (/^webmessenger\.(favourites|invited)\./.test(name) && !name.endsWith(`.${but}`)) browserStorage.write(name, null);
}

function readRooms(value: string | null): Set<string> {
  try {
    const rooms: unknown = JSON.parse(value ?? '[]');
    return new Set(Array.isArray(rooms) ? rooms.filter((room) => typeof room === 'string') : []);
  } catch {
    return new Set();
  }
}
