/** What the service worker does with a request: nothing at all, answer with the page, or answer with one of its files. */
export type Answering = 'network' | 'page' | 'file';

export interface Asked {
  method: string;
  url: string;
  /** `navigate`: somebody opens an address. */
  mode: string;
}

/** `scope` is the address below which the page lies; `files` the paths below it that the build made. */
export function answering({ method, url, mode }: Asked, scope: string, files: ReadonlySet<string>): Answering {
  const [address, home] = [new URL(url), new URL(scope)];
  if (method !== 'GET' || address.origin !== home.origin || !address.pathname.startsWith(home.pathname)) return 'network';
  const path = address.pathname.slice(home.pathname.length);
  // What people said, and who they are, is never in a cache of the worker's.
  if (/^(api|mqtt|health)(\/|$)/.test(path)) return 'network';
  if (mode === 'navigate') return path.slice(path.lastIndexOf('/') + 1).includes('.') ? 'network' : 'page';
  // The files of a page that is older or newer than this worker carry names of their own; all that is hashed may be in an older cache.
  return files.has(path) || path.startsWith('assets/') ? 'file' : 'network';
}

/**
 * Of all caches by their names, oldest first, those that no page can need any more. While `others` are open, their files are kept, of a few versions. What
 * stands behind `own` is a newer version that is being installed by its own worker.
 */
export function outlived(names: readonly string[], own: string, others: number): string[] {
  const older = names.slice(0, Math.max(0, names.indexOf(own))).filter((name) => name.startsWith(prefix));
  return others === 0 ? older : older.slice(0, -keptVersions);
}

/** An address of the page says so by what it loads: an index that wants files of another version does not belong to this one's. */
export function belongsTogether(page: string, files: ReadonlySet<string>): boolean {
  const wanted = [...page.matchAll(/(?:src|href)="(?:\.\/|\/)?(assets\/[^"]+)"/g)].map((match) => match[1]!);
  return wanted.length > 0 && wanted.every((file) => files.has(file));
}

export const prefix = 'webmessenger-page-';
const keptVersions = 3;
