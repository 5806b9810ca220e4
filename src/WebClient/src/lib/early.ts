/** What the first script of the document (`src/app/first.ts`) leaves for the page. */
export interface First {
  /** Requests that it sent off before the page's own script was there, by their paths (`/api/session`). */
  asked: Map<string, Promise<Response>>;
  /** Has the browser fetch a part of the page that will be wanted soon, without running it. The names are the build's. */
  preload(part: string): void;
}

declare global {
  var webmessenger: First | undefined;
}

/** Older answers say too little about now. */
const freshFor = 10_000;

/** The answer that the first script asked for, each once; null: it did not ask, or too long ago. */
export function askedEarly(path: string): Promise<Response> | null {
  const asked = globalThis.webmessenger?.asked;
  const answer = asked?.get(path);
  asked?.delete(path);
  return answer && performance.now() < freshFor ? answer : null;
}
