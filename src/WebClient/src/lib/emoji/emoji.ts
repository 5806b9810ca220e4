import { Part } from '../part.svelte';
import { searchText } from '../searchText';

export interface Emoji {
  emoji: string;
  /** As it is typed between colons, without them. */
  name: string;
  /** The names and what else it is found by, as they are compared in a search. */
  names: readonly string[];
  words: readonly string[];
  /** What it is called in the reader's language. */
  label: string;
  /** The number of its group in Unicode's order; null: it has none. */
  group: number | null;
}

interface Labelled {
  hexcode: string;
  unicode: string;
  label: string;
  tags?: string[];
  order?: number;
  group?: number;
}

type Names = Record<string, string | string[]>;

/** By language: loaded when an emoji is looked for, and served by us. The names that are typed are the same in all. */
const loaded = {
  en: new Part(() => load(() => import('emojibase-data/en/compact.json'))),
  'pt-BR': new Part(() => load(() => import('emojibase-data/pt/compact.json'))),
};

export function emojiIn(language: keyof typeof loaded): Part<readonly Emoji[]> {
  return loaded[language];
}

async function load(labels: () => Promise<{ default: unknown }>): Promise<readonly Emoji[]> {
  const [names, labelled] = await Promise.all([import('emojibase-data/en/shortcodes/github.json'), labels()]);
  return tableOf(names.default as Names, labelled.default as Labelled[]);
}

export function tableOf(names: Names, labelled: readonly Labelled[]): readonly Emoji[] {
  const named = labelled.filter(({ hexcode }) => Object.hasOwn(names, hexcode));
  const ordered = named.sort((one, other) => (one.order ?? Infinity) - (other.order ?? Infinity));
  return ordered.map(({ hexcode, unicode, label, tags, group }) => {
    const own = [names[hexcode]!].flat();
    const words = [label, ...(tags ?? [])].flatMap((text) => searchText(text).split(/[^\p{L}\p{N}]+/u)).filter(Boolean);
    return { emoji: qualified(unicode), name: own[0]!, names: own.map(searchText), words, label, group: group ?? null };
  });
}

/** As Unicode's list has it, and the server takes it: the data ask for colours also where an emoji has them anyway. */
function qualified(emoji: string): string {
  return emoji.replace(/(\p{Emoji_Presentation})\ufe0f/gu, '$1');
}
