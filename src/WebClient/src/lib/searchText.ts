/** Letters that Unicode does not take apart, as people write them who have no key for them. */
const plain: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', ł: 'l', ħ: 'h', ı: 'i', þ: 'th', ς: 'σ' };

/** The text as it is compared in a search: "Música" and "MUSICA" are one. */
export function searchText(text: string): string {
  // Lower case in no language: a Turkish browser would make another letter of "I".
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøđðłħıþς]/g, (letter) => plain[letter]!);
}

/** Answers whether a text has each word of `wanted` somewhere in it. Nothing wanted is found everywhere. */
export function searchFor(wanted: string): (text: string) => boolean {
  const words = searchText(wanted).split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (text) => {
    const searched = searchText(text);
    return words.every((word) => searched.includes(word));
  };
}
