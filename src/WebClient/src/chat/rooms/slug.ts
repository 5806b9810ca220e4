const longest = 64;

/** A room's address from its name: "Café da manhã!" becomes "cafe-da-manha"; empty when none of its letters are a-z or 0-9. */
export function slug(title: string): string {
  return title
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '');
}

/** An address for a room of this name that is not among those taken: "movie-night-2". `word` stands in for a name without a usable letter. */
export function freeId(title: string, word: string, isTaken: (id: string) => boolean): string {
  const stem = slug(title) || word;
  for (let number = 1; ; number++) {
    const end = number === 1 ? '' : `-${number}`;
    const id = stem.slice(0, longest - end.length).replace(/-+$/, '') + end;
    if (!isTaken(id)) return id;
  }
}
