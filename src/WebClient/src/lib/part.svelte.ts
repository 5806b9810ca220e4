import { Retry } from './retry.svelte';
import { update } from './update.svelte';
import { partWithin, TookTooLong, within } from './within';

/** A part of the page that is loaded when it is needed. Once asked for, it is tried until it is there. */
export class Part<T> {
  loaded = $state.raw<T | null>(null);
  readonly retry = new Retry();
  readonly #load: () => Promise<T>;
  readonly #reloads: boolean;
  #wanted = false;

  /** `reloads`: without this part the page shows nothing that a reload could lose. */
  constructor(load: () => Promise<T>, { reloads = false } = {}) {
    this.#load = load;
    this.#reloads = reloads;
  }

  /** It was asked for and did not come. */
  get failed(): boolean {
    return this.loaded === null && this.retry.failures > 0;
  }

  want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.retry.run(async () => {
      try {
        this.loaded = await within(partWithin, this.#load);
        update.came(this);
        return 'done';
      } catch (error) {
        await update.missed(this, { mayCome: !(error instanceof TookTooLong) });
        if (update.ready && this.#reloads) update.reloadOnce();
        return 'again';
      }
    });
  }
}
