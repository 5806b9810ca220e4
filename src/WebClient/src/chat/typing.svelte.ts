import { SvelteMap } from 'svelte/reactivity';

const shownFor = 5_000;
const saidEvery = 3_000;

/** Who is writing in a room right now. */
export class TypingState {
  readonly #until = new SvelteMap<string, ReturnType<typeof setTimeout>>();
  #lastSaid = 0;

  readonly users = $derived([...this.#until.keys()]);

  heard(user: string): void {
    clearTimeout(this.#until.get(user));
    this.#until.set(user, setTimeout(() => this.#until.delete(user), shownFor));
  }

  /** Their message has arrived. */
  stopped(user: string): void {
    clearTimeout(this.#until.get(user));
    this.#until.delete(user);
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
