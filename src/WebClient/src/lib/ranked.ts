/** The best few, in their own order where they are as good. `rank`: 0 is the best; null: not wanted. */
export function ranked<T>(all: readonly T[], rank: (one: T) => number | null, most: number): T[] {
  const places: T[][] = [];
  for (const one of all) {
    const place = rank(one);
    if (place !== null) (places[place] ??= []).push(one);
  }
  return places.flat().slice(0, most);
}
