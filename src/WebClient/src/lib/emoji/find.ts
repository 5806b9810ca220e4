import { ranked } from '../ranked';
import { searchText } from '../searchText';
import type { Emoji } from './emoji';

/** Longer than any name of an emoji. */
const behindNames = 100;

/** By the names that are typed, then by the words of the reader's language. */
export function findEmoji(query: string, table: readonly Emoji[], most: number): Emoji[] {
  const wanted = searchText(query);
  const rank = ({ names, words }: Emoji) => {
    const begun = names.filter((name) => name.startsWith(wanted));
    // A heart before hearts on fire.
    if (begun.length > 0) return Math.min(...begun.map((name) => name.length));
    if (words.some((word) => word.startsWith(wanted))) return behindNames;
    return names.some((name) => name.includes(wanted)) ? behindNames + 1 : null;
  };
  return ranked(table, rank, most);
}
