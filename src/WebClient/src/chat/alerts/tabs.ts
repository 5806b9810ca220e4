/** Browsers have no locks on plain http beyond localhost. */
function locks(): LockManager | undefined {
  return globalThis.navigator?.locks as LockManager | undefined;
}

/**
 * The reader's tabs among themselves: one of them tells what there is to tell, and it knows which are in sight and what they show. All by locks, which
 * end with their tab, however that ends.
 */
export class Tabs {
  /** This tab is the one that tells. Where there are no locks, each is. */
  leads = locks() === undefined;
  readonly #leading: string;
  readonly #sight: string;
  readonly #stopping = new AbortController();
  #letGo: () => void = () => {};

  constructor(account: string) {
    this.#leading = `webmessenger.alerts.${account}`;
    this.#sight = `webmessenger.sight.${account}.`;
  }

  start(): void {
    const { signal } = this.#stopping;
    void locks()?.request(this.#leading, { signal }, async () => {
      this.leads = true;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }).catch(() => undefined);
  }

  /** This tab is in sight and shows this place; null: it is out of sight. */
  shows(place: string | null): void {
    this.#letGo();
    this.#letGo = () => {};
    if (place === null || this.#stopping.signal.aborted) return;
    const over = new Promise<void>((resolve) => (this.#letGo = resolve));
    void locks()?.request(this.#sight + place, { mode: 'shared' }, () => over).catch(() => undefined);
  }

  /** What the tabs in sight show. */
  async inSight(): Promise<ReadonlySet<string>> {
    const held = (await locks()?.query())?.held ?? [];
    const places = held.flatMap(({ name }) => (name?.startsWith(this.#sight) ? [name.slice(this.#sight.length)] : []));
    return new Set(locks() || document.hidden ? places : ['']);
  }

  stop(): void {
    this.shows(null);
    this.leads = false;
    this.#stopping.abort();
  }
}
