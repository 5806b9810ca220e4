/**
 * Where the pages lie on their host: `/`, or `/chat/` behind a proxy that gives them a folder. The server writes it into the document's `<base>`,
 * so links of the page are relative to it and stay right at every depth.
 */
const base = new URL(globalThis.document?.baseURI ?? 'http://localhost/').pathname;

/** The address on this host of a path of ours: `/rooms/lobby` becomes `/chat/rooms/lobby`. */
export function onHost(path: string): string {
  return base + path.slice(1);
}

/** A path of ours from an address on this host; null: it is none. `/chat` without the slash is the start page too. */
export function fromHost(pathname: string): string | null {
  if (pathname.startsWith(base)) return pathname.slice(base.length - 1);
  return `${pathname}/` === base ? '/' : null;
}
