import { wordsOf } from '../model/shown';

export interface Piece {
  text: string;
  /** What was looked for. */
  found: boolean;
}

type Range = readonly [start: number, length: number];

/** Characters of a text that are shown, and how many of them stand before the first word that was found. */
const longest = 240;
const before = 60;

/** As `excerptOf`, of a message as it is shown: without marks, and of what is hidden, nothing. */
export function shownAround(text: string, ranges: readonly Range[]): Piece[] {
  const shown = wordsOf(text);
  return excerptOf(shown, shown === text ? ranges : movedTo(shown, text, ranges));
}

/** Where in what is shown the words stand that were found. Those that are hidden, or have marks within, stand nowhere. */
function movedTo(shown: string, text: string, ranges: readonly Range[]): Range[] {
  const moved: Range[] = [];
  let at = 0;
  for (const [start, length] of ranges) {
    const word = text.slice(start, start + length);
    const found = length > 0 ? wordIn(shown, word, at) : -1;
    if (found < 0) continue;
    moved.push([found, word.length]);
    at = found + word.length;
  }
  return moved;
}

/** Where a word begins that begins so: it may go on, as the search finds it. */
function wordIn(shown: string, word: string, from: number): number {
  for (let at = shown.indexOf(word, from); at >= 0; at = shown.indexOf(word, at + 1)) if (!/[\p{L}\p{N}]$/u.test(shown.slice(0, at))) return at;
  return -1;
}

/** The text around what was found, in pieces that are marked or not. `ranges`: start and length in UTF-16 units, as the server says them. */
export function excerptOf(text: string, ranges: readonly Range[]): Piece[] {
  const start = text.length <= longest ? 0 : beginOf(text, (ranges[0]?.[0] ?? 0) - before);
  const end = Math.min(text.length, start + longest);
  const pieces: Piece[] = start > 0 ? [{ text: '…', found: false }] : [];
  let at = start;
  for (const [from, length] of ranges) {
    const to = Math.min(end, from + length);
    if (from < at || to <= from) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), found: false });
    pieces.push({ text: text.slice(from, to), found: true });
    at = to;
  }
  if (at < end) pieces.push({ text: text.slice(at, end), found: false });
  if (end < text.length) pieces.push({ text: '…', found: false });
  return pieces;
}

/** No half of a character, and where there is one near, the beginning of a word. */
function beginOf(text: string, at: number): number {
  if (at <= 0) return 0;
  const blank = text.indexOf(' ', at);
  if (blank >= 0 && blank < at + 20) return blank + 1;
  return /[\uDC00-\uDFFF]/.test(text.charAt(at)) ? at + 1 : at;
}
