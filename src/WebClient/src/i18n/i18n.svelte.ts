import { remembered } from '../lib/remembered';
import { chose, keep } from '../lib/setting.svelte';
import { Retry, type Tried } from '../lib/retry.svelte';
import { update } from '../lib/update.svelte';
import { within } from '../lib/within';
import type { en } from './en';
import type { enAccount } from './enAccount';
import type { enAdmin } from './enAdmin';
import type { enDoor } from './enDoor';
import type { enSeldom } from './enSeldom';

export const languages = ['pt-BR', 'en'] as const;
export type LanguageTag = (typeof languages)[number];
export const languageNames: Record<LanguageTag, string> = { 'pt-BR': 'Português', en: 'English' };

export type DoorTexts = Record<keyof typeof enDoor, string>;
export type InsideTexts = Record<keyof typeof en, string>;
export type AccountTexts = Record<keyof typeof enAccount, string>;
export type AdminTexts = Record<keyof typeof enAdmin, string>;
export type SeldomTexts = Record<keyof typeof enSeldom, string>;
export type Key = keyof DoorTexts | keyof InsideTexts | keyof AccountTexts | keyof AdminTexts | keyof SeldomTexts;
type Texts = Partial<Record<Key, string>>;

export type PluralKey = { [K in Key]: K extends `${infer Stem}.other` ? (`${Stem}.one` extends Key ? Stem : never) : never }[Key];
type Params = Record<string, string | number>;

/** Each is several files: a page speaks one language at a time, the door needs few words, and what is opened by a press, as the pages of one's account, does with words of its own. */
const doors: Record<LanguageTag, () => Promise<DoorTexts>> = {
  'pt-BR': async () => (await import('./ptBRDoor')).ptBRDoor,
  en: async () => (await import('./enDoor')).enDoor,
};
type Catalogue = Record<LanguageTag, () => Promise<Texts>>;
export type FurtherTexts = 'inside' | 'account' | 'seldom' | 'admin';
/** Of those that are missing, who wants them knows where they are: few visits do. */
const further: Partial<Record<FurtherTexts, Catalogue>> = {
  inside: {
    'pt-BR': async (): Promise<InsideTexts> => (await import('./ptBR')).ptBR,
    en: async (): Promise<InsideTexts> => (await import('./en')).en,
  },
  account: {
    'pt-BR': async (): Promise<AccountTexts> => (await import('./ptBRAccount')).ptBRAccount,
    en: async (): Promise<AccountTexts> => (await import('./enAccount')).enAccount,
  },
  seldom: {
    'pt-BR': async (): Promise<SeldomTexts> => (await import('./ptBRSeldom')).ptBRSeldom,
    en: async (): Promise<SeldomTexts> => (await import('./enSeldom')).enSeldom,
  },
};
/** Milliseconds that a catalogue may take on its way: it is small, and until it is there nothing is drawn. */
const loadedWithin = 10_000;
/** Before any language is there. */
const none: Texts = {};
const store = remembered('language', languages);
const wanted = globalThis.navigator?.languages ?? [];

class Language {
  current = $state<LanguageTag>('en');
  /** How this language is written where the person is: the first of the browser's own tags that belongs to it, as `en-GB`; else the language's. */
  readonly locale = $derived(wanted.find((tag) => belongs(tag, this.current)) ?? this.current);

  /** The texts of `current`. The page is not drawn before `load` has done what it can to have some (`app/main.ts`). */
  #texts = $state.raw<Texts>(none);
  readonly #loading = new Retry();
  #isDrawn = false;
  /** What texts besides the door's are wanted from here on, in whichever language. */
  readonly #wanted = new Set<FurtherTexts>();
  #asked = 0;

  get texts(): Texts {
    return this.#texts;
  }

  /**
   * Before anything is drawn: the language chosen here, else the first of the browser's that there is. If its texts do not come they are tried again, and
   * the page is drawn in another language meanwhile. Settles in any case: a page without words can still be used by who knows it, a blank one by nobody.
   */
  async load(): Promise<void> {
    const asked = store.read() ?? preferred(wanted);
    await this.#loading.run(() => this.#try(asked));
    for (const other of languages) if (this.#texts === none) await this.#show(other);
    this.#isDrawn = true;
  }

  /** What is behind the door is about to be drawn. Throws if its texts do not come: whoever loads the rest tries again. */
  async enter(part: FurtherTexts, catalogue = further[part]!): Promise<void> {
    further[part] = catalogue;
    this.#wanted.add(part);
    const { current } = this;
    const texts = await catalogue[current]();
    // Chosen meanwhile, another language brings them along.
    if (current === this.current) this.#texts = { ...this.#texts, ...texts };
  }

  /** The page changes when the texts are there. Without a network they may not come: then it stays as it is. */
  async choose(language: LanguageTag): Promise<void> {
    await this.#change(language);
    if (this.current === language) chose('language', language);
  }

  /** Chosen in another tab, or on another device of the account. Null, and what is none, changes nothing. */
  take(value: string | null): void {
    const language = languages.find((tag) => tag === value);
    if (language) void this.#change(language);
  }

  async #change(language: LanguageTag): Promise<void> {
    this.#loading.stop();
    await this.#show(language);
    if (this.current === language) store.write(language);
  }

  async #try(language: LanguageTag): Promise<Tried> {
    if (await this.#show(language)) {
      update.came(language);
      return 'done';
    }
    await update.missed(language);
    // Nothing can be lost that is not drawn yet.
    if (update.ready && !this.#isDrawn) update.reloadOnce();
    return 'again';
  }

  /** False: its texts did not come. */
  async #show(language: LanguageTag): Promise<boolean> {
    const asked = ++this.#asked;
    const wanted = [...this.#wanted];
    const texts = await within(loadedWithin, () => textsOf(language, wanted)).catch(() => null);
    if (texts === null) return false;
    if (wanted.length !== this.#wanted.size && asked === this.#asked) return this.#show(language);
    // Another was asked for later; but any words are better than none.
    if (asked === this.#asked || this.#texts === none) {
      this.#texts = texts;
      this.current = language;
    }
    return true;
  }
}

async function textsOf(language: LanguageTag, wanted: readonly FurtherTexts[]): Promise<Texts> {
  const all: Texts[] = await Promise.all([doors[language](), ...wanted.map((part) => further[part]![language]())]);
  return Object.assign({}, ...all) as Texts;
}

/** `src/app/first.ts` chooses in the same way, before any of this is there. */
function preferred(tags: readonly string[]): LanguageTag {
  for (const tag of tags) {
    const found = languages.find((language) => belongs(tag, language));
    if (found) return found;
  }
  return 'en';
}

function belongs(tag: string, language: LanguageTag): boolean {
  return tag.slice(0, 2).toLowerCase() === language.slice(0, 2);
}

export const language = new Language();
keep({
  name: 'language',
  get chosen() {
    return store.read();
  },
  take: (value) => language.take(value),
});

/** Without texts it is the key: what draws must not fall over a text. */
export function t(key: Key, params: Params = {}): string {
  return fill(language.texts[key] ?? key, params);
}

const plurals = new Map<LanguageTag, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

/** Picks `.one` or `.other`; `{count}` is written as the language writes numbers. */
export function tn(stem: PluralKey, count: number, params: Params = {}): string {
  // Portuguese has a third form, for millions ("de mensagens"), that no text here reaches.
  const form = kept(plurals, language.current, (tag) => new Intl.PluralRules(tag)).select(count) === 'one' ? 'one' : 'other';
  const shown = kept(numbers, language.locale, (tag) => new Intl.NumberFormat(tag)).format(count);
  return t(`${stem}.${form}` as Key, { count: shown, ...params });
}

/** A formatter takes fifty times as long to make as to use. */
export function kept<K, V>(made: Map<K, V>, key: K, make: (key: K) => V): V {
  const found = made.get(key) ?? make(key);
  made.set(key, found);
  return found;
}

export function isKey(key: string): key is Key {
  return Object.hasOwn(language.texts, key);
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}
