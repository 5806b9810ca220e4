/** Kept: making one costs more than a thousand comparisons. Accents and case make no difference, and "Room 2" stands before "Room 10". */
const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

/** The order of names in the browser's language. Names that it holds to be one are to be ordered by something else. */
export function byName(one: string, other: string): number {
  return collator.compare(one, other);
}
