import type { Copy, Store } from './store';

const writtenEvery = 2_000;

/** Keeps the ends of logs for the next visit: gathered, because in a busy room they change many times a second. */
export class Copies {
  readonly #account: string;
  readonly #store: Store;
  readonly #changed = new Map<string, () => Omit<Copy, 'account'> | null>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(account: string, store: Store) {
    this.#account = account;
    this.#store = store;
  }

  read(topic: string): Promise<Copy | null> {
    return this.#store.copy(this.#account, topic);
  }

  /** `copy` is asked when it is written. Null: what is kept is dropped. `now`: it is not waited for what else may change. */
  keep(topic: string, copy: (() => Omit<Copy, 'account'> | null) | null, now = false): void {
    if (copy === null) {
      this.#changed.delete(topic);
      void this.#store.dropCopy(this.#account, topic);
      return;
    }
    this.#changed.set(topic, copy);
    if (now) this.write();
    else this.#timer ??= setTimeout(() => this.write(), writtenEvery);
  }

  /** Of all rooms, or of all conversations, these alone are the account's, or are called so, by now: nothing of others is kept. */
  async keepOnly(kind: 'rooms/' | 'users/', isWanted: (name: string) => boolean): Promise<void> {
    for (const topic of await this.#store.copied(this.#account)) {
      if (topic.startsWith(kind) && !isWanted(topic.slice(kind.length))) this.keep(topic, null);
    }
  }

  /** The page may be gone in a moment. */
  write(): void {
    this.#stopTimer();
    for (const copy of this.#changed.values()) {
      const value = copy();
      if (value) void this.#store.keepCopy({ ...value, account: this.#account });
    }
    this.#changed.clear();
  }

  /** Nobody is signed in any more: what was not written yet is not wanted. */
  stop(): void {
    this.#stopTimer();
    this.#changed.clear();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
