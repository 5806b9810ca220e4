import { SvelteMap } from 'svelte/reactivity';
import { call, type Answer } from '../../lib/http';
import type { Level } from '../model/level';
import type { Room } from '../model/protocol';

/** What of each room the reader wants to be called for: as the server lists it, or as it was chosen here since. */
export class Levels {
  readonly #chosen = new SvelteMap<string, Level>();
  readonly #rooms: () => readonly Room[];
  /** Those that are not as they usually are. */
  readonly #listed = $derived.by(() => new Map(this.#rooms().flatMap(({ id, notify }) => (notify && notify !== 'all' ? [[id, notify] as const] : []))));

  constructor(rooms: () => readonly Room[]) {
    this.#rooms = rooms;
  }

  of(room: string): Level {
    return this.#chosen.get(room) ?? this.#listed.get(room) ?? 'all';
  }

  isMuted(room: string): boolean {
    return this.of(room) === 'nothing';
  }

  /** It holds at once, unless the server refuses it. */
  async set(room: string, level: Level): Promise<Answer<unknown>> {
    const before = this.of(room);
    this.#chosen.set(room, level);
    const answer = await call<unknown>('PUT', `/api/rooms/${room}/notify`, { level });
    if (!answer.ok && this.#chosen.get(room) === level) this.#chosen.set(room, before);
    return answer;
  }

  /** The account is not in it any more: it begins anew when it comes back. */
  forget(room: string): void {
    this.#chosen.delete(room);
  }
}
