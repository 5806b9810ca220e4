import { onHost } from './base';
import { scriptUrl } from './scriptUrl';
import { tabStorage } from './storage';
import { within } from './within';

/** Milliseconds. */
const askedWithin = 10_000;
const lookedEvery = 3_600_000;
const reloadedEvery = 60_000;

/**
 * Newer versions of the page, and the service worker that keeps this one for when the server is away. A new version is offered, never forced on anybody:
 * the old page goes on working with its own scripts.
 */
class Update {
  /** The server has another version than the one that runs here. */
  ready = $state(false);

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
    if (this.ready) return;
    const page = await this.#newestPage();
    const own = document.querySelector<HTMLScriptElement>('script[type=module]')?.getAttribute('src');
    if (page === null || !own) return;
    this.ready = !page.includes(own);
    if (this.ready) void this.#registration?.update().catch(() => undefined);
  }

  /** A file of this page did not come. If the server is there, it has a newer page, or the browser remembers the failure: only a new page helps. */
  async missed(): Promise<void> {
    if ((await this.#newestPage()) !== null) this.ready = true;
  }

  reload(): void {
    location.reload();
  }

  /** For a page that shows nothing yet, so that nothing is lost. Not twice within a minute: what failed may fail again. */
  reloadOnce(): void {
    const name = 'webmessenger.reloaded';
    if (Date.now() - Number(tabStorage.read(name) ?? 0) < reloadedEvery) return;
    // Without a memory it could go on for ever: the offer has a button.
    if (tabStorage.write(name, String(Date.now()))) this.reload();
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
