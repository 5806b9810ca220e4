import { SvelteMap } from 'svelte/reactivity';
import type { Present } from './protocol';

/** Who is in a room now, from the retained presence topics. */
export class PeopleState {
  readonly #present = new SvelteMap<string, Present>();
  #stale = new Set<string>();

  readonly list = $derived([...this.#present.values()].sort((a, b) => a.name.localeCompare(b.name) || a.user.localeCompare(b.user)));

  get count(): number {
    return this.#present.size;
  }

  nameOf(user: string): string | null {
    return this.#present.get(user)?.name ?? null;
  }

  set(user: string, person: Present | null): void {
    this.#stale.delete(user);
    if (person) this.#present.set(user, person);
    else this.#present.delete(user);
  }

  /** Before subscribing anew: who is still here will be said again, and nobody who left meanwhile. */
  expectAnew(): void {
    this.#stale = new Set(this.#present.keys());
  }

  /** After subscribing anew: who was not said again is gone. */
  settle(): void {
    for (const user of this.#stale) this.#present.delete(user);
    this.#stale.clear();
  }
}
