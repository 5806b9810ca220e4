import { remembered } from '../lib/remembered';
import type { Catalogue, Key } from './en';

export const languages = ['pt-BR', 'en'] as const;
export type LanguageTag = (typeof languages)[number];
export const languageNames: Record<LanguageTag, string> = { 'pt-BR': 'Português', en: 'English' };

export type PluralKey = { [K in Key]: K extends `${infer Stem}.other` ? (`${Stem}.one` extends Key ? Stem : never) : never }[Key];
type Params = Record<string, string | number>;

/** Each is a file of its own: a page speaks one language at a time. */
const catalogues: Record<LanguageTag, () => Promise<Catalogue>> = {
  'pt-BR': async () => (await import('./ptBR')).ptBR,
  en: async () => (await import('./en')).en,
};
const store = remembered('language', languages);
const wanted = globalThis.navigator?.languages ?? [];

class Language {
  current = $state<LanguageTag>('en');
  /** How this language is written where the person is: the first of the browser's own tags that belongs to it, as `en-GB`; else the language's. */
  readonly locale = $derived(wanted.find((tag) => belongs(tag, this.current)) ?? this.current);

  /** The texts of `current`. The page is not drawn before there are any (`main.ts`). */
  #texts = $state.raw<Catalogue>({} as Catalogue);
  #asked = 0;

  get texts(): Catalogue {
    return this.#texts;
  }

  /** Before anything is drawn: the language chosen here, else the first of the browser's that there is. */
  load(): Promise<void> {
    return this.#show(store.read() ?? preferred(wanted));
  }

  /** The page changes when the texts are there. Without a network they may not come: then it stays as it is. */
  async choose(language: LanguageTag): Promise<void> {
    await this.#show(language);
    if (this.current === language) store.write(language);
  }

  async #show(language: LanguageTag): Promise<void> {
    const asked = ++this.#asked;
    const texts = await catalogues[language]().catch(() => null);
    if (texts === null || asked !== this.#asked) return;
    this.#texts = texts;
    this.current = language;
  }
}

/** `src/first.ts` chooses in the same way, before any of this is there. */
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

export function t(key: Key, params: Params = {}): string {
  return fill(language.texts[key], params);
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
function kept<K, V>(made: Map<K, V>, key: K, make: (key: K) => V): V {
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
