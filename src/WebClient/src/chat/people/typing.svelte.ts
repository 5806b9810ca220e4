import { SvelteMap } from 'svelte/reactivity';

const saidEvery = 3_000;
/** Nobody says that a text was deleted again: whoever goes on writing says so before this is over. */
const shownFor = saidEvery + 1_000;

/** Who is writing in a room right now. */
export class TypingState {
  readonly #until = new SvelteMap<string, ReturnType<typeof setTimeout>>();
  #lastSaid = 0;

  readonly users = $derived([...this.#until.keys()]);

  heard(user: string): void {
    clearTimeout(this.#until.get(user));
    this.#until.set(user, setTimeout(() => this.#until.delete(user), shownFor));
  }

  /** Their message has arrived, or they have gone. */
  stopped(user: string): void {
    clearTimeout(this.#until.get(user));
    this.#until.delete(user);
  }

  /** Nobody is heard any more. */
  clear(): void {
    for (const timer of this.#until.values()) clearTimeout(timer);
    this.#until.clear();
  }

  /** Whether it is time to tell the room again that I am writing. */
  shouldSay(now = Date.now()): boolean {
    if (now - this.#lastSaid < saidEvery) return false;
    this.#lastSaid = now;
    return true;
  }

  said(): void {
    this.#lastSaid = 0;
  }
}
