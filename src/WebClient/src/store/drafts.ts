import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { About, Draft, Store } from './store';

/** An edit is on disk after this long at the latest, in milliseconds: no crash takes more than the last words. */
const writtenWithin = 300;

/**
 * What one account has begun to write, by the topic that it is for: kept on disk over reloads, crashes and a sign-out that it did not mean, and shown alike in
 * all tabs. The newest edit wins, whichever tab it was made in.
 */
export class Drafts {
  readonly #texts = new SvelteMap<string, string>();
  readonly #abouts = new SvelteMap<string, About>();
  /** Apart from the texts, so that the list of rooms is not drawn anew with each key. */
  readonly #begun = new SvelteSet<string>();
  /** When each was changed last. */
  readonly #at = new Map<string, number>();
  readonly #unwritten = new Set<string>();
  readonly #account: string;
  readonly #store: Store;
  readonly #tabs = new BroadcastChannel('webmessenger.drafts');
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(account: string, store: Store) {
    this.#account = account;
    this.#store = store;
    this.#tabs.onmessage = (event: MessageEvent<Draft>) => this.#hear(event.data);
  }

  async start(): Promise<void> {
    for (const draft of await this.#store.drafts(this.#account)) this.#hear(draft);
  }

  /** Nobody, or somebody else, is signed in: this account finds its drafts when it is back. */
  stop(): void {
    this.flush();
    this.#tabs.close();
  }

  get count(): number {
    return this.#begun.size;
  }

  has(topic: string): boolean {
    return this.#begun.has(topic);
  }

  read(topic: string): string {
    return this.#texts.get(topic) ?? '';
  }

  /** What is answered or changed there; null: what is written is the next message. */
  about(topic: string): About | null {
    return this.#abouts.get(topic) ?? null;
  }

  write(topic: string, text: string): void {
    if (text !== this.read(topic)) this.#change(topic, text, this.about(topic));
  }

  turn(topic: string, about: About | null): void {
    if (about !== this.about(topic)) this.#change(topic, this.read(topic), about);
  }

  /** The page may be gone in a moment. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const topic of this.#unwritten) {
      const about = this.about(topic);
      const draft: Draft = { account: this.#account, topic, text: this.read(topic), at: this.#at.get(topic)!, ...(about ? { about } : {}) };
      void this.#store.keepDraft(draft);
      this.#tabs.postMessage(draft);
    }
    this.#unwritten.clear();
  }

  /** From another tab, or from the disk: taken over unless something newer was written here. */
  #hear(draft: Draft): void {
    if (draft.account !== this.#account || draft.at <= (this.#at.get(draft.topic) ?? 0)) return;
    this.#unwritten.delete(draft.topic);
    this.#set(draft.topic, draft.text, draft.about ?? null, draft.at);
  }

  #change(topic: string, text: string, about: About | null): void {
    // The clock may have been set back since the last edit.
    this.#set(topic, text, about, Math.max(Date.now(), (this.#at.get(topic) ?? 0) + 1));
    this.#unwritten.add(topic);
    // What was sent is no draft any more, also if the page dies in this moment.
    if (text === '' && about === null) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), writtenWithin);
  }

  #set(topic: string, text: string, about: About | null, at: number): void {
    this.#at.set(topic, at);
    if (text === '') this.#texts.delete(topic);
    else this.#texts.set(topic, text);
    if (about === null) this.#abouts.delete(topic);
    else this.#abouts.set(topic, about);
    const changed = about?.what === 'edit' ? (about.text ?? '') : '';
    if (text.trim() === '' && changed.trim() === '') this.#begun.delete(topic);
    else this.#begun.add(topic);
  }
}
