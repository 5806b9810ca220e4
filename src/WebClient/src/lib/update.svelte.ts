import { onHost } from './base';
import { reloadOnce } from './reloadOnce';
import { scriptUrl } from './scriptUrl';
import { within } from './within';

/** Milliseconds. */
const askedWithin = 10_000;
const lookedEvery = 3_600_000;

/**
 * Newer versions of the page, and the service worker that keeps this one for when the server is away. A new version is offered, never forced on anybody:
 * the old page goes on working with its own scripts.
 */
class Update {
  /** The server has another version than the one that runs here, or something of this one does not come: a new page helps. */
  ready = $state(false);

  #isNewer = false;
  /** What did not come the last time that it was asked for. */
  readonly #missing = new Set<unknown>();
  #started = false;
  #lookedAt = 0;
  #registration: ServiceWorkerRegistration | null = null;

  /** When the page has got going: the worker fetches the whole of it in the background. Once, however often it is called. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#lookedAt = Date.now();
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && Date.now() - this.#lookedAt > lookedEvery) void this.look();
    });
    // Not there on plain http beyond localhost, and in some private windows: the page works all the same, only not without the server.
    if (!('serviceWorker' in navigator) || !import.meta.env.PROD) return;
    const path = onHost('/sw.js');
    try {
      const url = scriptUrl('webmessenger-service-worker', path);
      this.#registration = await navigator.serviceWorker.register(url, { scope: onHost('/'), updateViaCache: 'none' });
    } catch {
      // As without one.
    }
  }

  /** Asks the server whether this page is still its newest. No answer is no news. */
  async look(): Promise<void> {
    if (this.#isNewer) return;
    const page = await this.#newestPage();
    if (page !== null) this.#compare(page);
  }

  /**
   * A file of this page did not come. If the server is there, it has a newer page, or the browser remembers the failure: only a new page helps. A file that
   * failed at once and for the first time may come with the next try, `mayCome`.
   */
  async missed(what: unknown, { mayCome = false } = {}): Promise<void> {
    const isFirst = !this.#missing.has(what);
    this.#missing.add(what);
    const page = await this.#newestPage();
    if (page === null) return;
    this.#compare(page);
    if (!(mayCome && isFirst) && this.#missing.has(what)) this.ready = true;
  }

  /** It has come, however often it did not. */
  came(what: unknown): void {
    if (this.#missing.delete(what)) this.ready = this.#isNewer || (this.ready && this.#missing.size > 0);
  }

  reload(): void {
    location.reload();
  }

  /** For a page that shows nothing yet. */
  reloadOnce(): void {
    reloadOnce();
  }

  #compare(page: string): void {
    const own = document.querySelector<HTMLScriptElement>('script[type=module]')?.getAttribute('src');
    if (!own || page.includes(own)) return;
    this.#isNewer = this.ready = true;
    void this.#registration?.update().catch(() => undefined);
  }

  async #newestPage(): Promise<string | null> {
    if (!import.meta.env.PROD) return null;
    this.#lookedAt = Date.now();
    try {
      const page = await within(askedWithin, async (signal) => {
        const response = await fetch(onHost('/'), { signal, cache: 'no-cache', headers: { Accept: 'text/html' } });
        return response.ok ? response.text() : null;
      });
      // What a proxy says in place of a server that is away is no page of ours.
      return page?.includes('type="module"') ? page : null;
    } catch {
      return null;
    }
  }
}

export const update = new Update();
