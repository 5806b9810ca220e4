/** What is loaded when it is needed: a language's texts at the door and behind it, the chat, its connection. Names of entries of the build's table. */
export type PartName = 'en' | 'pt-BR' | 'en.inside' | 'pt-BR.inside' | 'chat' | 'link';

/** Has the browser fetch it, without running it. */
export function preload(part: PartName): void {
  globalThis.webmessenger?.preload(part);
}
