import { remembered } from '../lib/remembered';
import { en, type Catalogue, type Key } from './en';
import { ptBR } from './ptBR';

export const languages = ['pt-BR', 'en'] as const;
export type LanguageTag = (typeof languages)[number];
export const languageNames: Record<LanguageTag, string> = { 'pt-BR': 'Português', en: 'English' };

export type PluralKey = { [K in Key]: K extends `${infer Stem}.other` ? (`${Stem}.one` extends Key ? Stem : never) : never }[Key];
type Params = Record<string, string | number>;

const catalogues: Record<LanguageTag, Catalogue> = { 'pt-BR': ptBR, en };
const store = remembered('language', languages);

class Language {
  current = $state<LanguageTag>(store.read() ?? preferred(navigator.languages));

  choose(language: LanguageTag): void {
    this.current = language;
    store.write(language);
  }
}

function preferred(wanted: readonly string[]): LanguageTag {
  for (const tag of wanted) {
    if (tag.toLowerCase().startsWith('pt')) return 'pt-BR';
    if (tag.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}

export const language = new Language();

export function t(key: Key, params: Params = {}): string {
  return fill(catalogues[language.current][key], params);
}

/** Picks `.one` or `.other`; `{count}` is written as the language writes numbers. */
export function tn(stem: PluralKey, count: number, params: Params = {}): string {
  // Portuguese has a third form, for millions ("de mensagens"), that no text here reaches.
  const form = new Intl.PluralRules(language.current).select(count) === 'one' ? 'one' : 'other';
  return t(`${stem}.${form}` as Key, { count: count.toLocaleString(language.current), ...params });
}

export function isKey(key: string): key is Key {
  return Object.hasOwn(en, key);
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}
