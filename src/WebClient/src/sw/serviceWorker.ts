/// <reference lib="webworker" />
// Keeps the page, not what is said in it: opened without the server, the page shows its own last copies (IndexedDB) and takes what is written.
import { answering, belongsTogether, outlived, prefix } from './routing';

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: the files of the page, but for what few visits need, and a hash over all of them. */
declare const FILES: string[];
declare const VERSION: string;

const files = new Set(FILES);
const cacheName = prefix + VERSION;
const scope = self.registration.scope;
/** Milliseconds that a new page may take before the kept one is shown. */
const pageWithin = 3_000;

self.addEventListener('install', (event) => {
  event.waitUntil(keep());
  // Taking over at once takes nothing from the pages that are open: they find their own files, in the cache of their version.
  void self.skipWaiting();
});

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), tidy(null)]));
});

self.addEventListener('fetch', (event) => {
  const kind = answering(event.request, scope, files);
  if (kind === 'page') event.respondWith(page(event));
  else if (kind === 'file') event.respondWith(file(event.request));
});

// The page has shown it, for a phone by this worker: a press leads back to the page, or opens one.
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { address } = (event.notification.data ?? {}) as { address?: unknown };
  if (typeof address === 'string' && address.startsWith('/')) event.waitUntil(openAt(address));
});

async function openAt(address: string): Promise<void> {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const one = open.find((client) => client.focused) ?? open.find((client) => client.visibilityState === 'visible') ?? open[0];
  if (!one) return void (await self.clients.openWindow(scope + address.slice(1)));
  // The browser may not let it come to the front; there it is in the right place all the same.
  await one.focus().catch(() => undefined);
  one.postMessage({ type: 'open', address });
}

async function keep(): Promise<void> {
  const cache = await caches.open(cacheName);
  const index = await fetch(scope, { cache: 'no-cache' });
  // The server may have been changed between its answers: then the next look finds a worker that fits.
  if (!index.ok || !belongsTogether(await index.clone().text(), files)) throw new Error('The page is of another version than its service worker.');
  await cache.put(scope, index);
  await cache.addAll(FILES.map((path) => new Request(scope + path, { cache: path.startsWith('assets/') ? 'default' : 'no-cache' })));
}

/** The newest page, if the server answers soon; else the kept one. */
async function page(event: FetchEvent): Promise<Response> {
  event.waitUntil(tidy(event.resultingClientId));
  // A cache that cannot be read is none: the server's page is as good.
  const kept = caches.match(scope, { cacheName }).catch(() => undefined);
  const fresh = fetch(event.request);
  try {
    const answer = await Promise.race([fresh, after(pageWithin)]);
    // A proxy whose server is away says so with a page of its own.
    if (answer !== null && answer.status < 500) return answer;
    return (await kept) ?? answer ?? (await fresh);
  } catch (error) {
    const old = await kept;
    if (old) return old;
    throw error;
  }
}

async function file(request: Request): Promise<Response> {
  const own = await (await caches.open(cacheName)).match(request);
  return own ?? (await caches.match(request)) ?? fetch(request);
}

async function tidy(opening: string | null): Promise<void> {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const others = open.filter((client) => client.id !== opening).length;
  await Promise.all(outlived(await caches.keys(), cacheName, others).map((name) => caches.delete(name)));
}

function after(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null));
}
