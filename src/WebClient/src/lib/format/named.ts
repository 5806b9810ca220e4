/** As the server finds names (`tests/contract/mentions.json`). What is code was taken out before. */
const name = /(?<![\p{L}\p{N}@._\-/=&#%])@([A-Za-z0-9][A-Za-z0-9._-]*)(?![\p{L}\p{N}@])/gu;

export interface Piece {
  text: string;
  /** It names one of those that were asked for. */
  named: boolean;
}

/** A text in pieces, those set apart that name one of these users. */
export function piecesOf(text: string, users: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(name)) {
    const written = match[1]!;
    // What ends a sentence may be part of the name, or not.
    const user = [written, written.replace(/[._-]+$/, '')].find((one) => users.includes(one.toLowerCase()));
    if (user === undefined) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), named: false });
    end = match.index + 1 + user.length;
    pieces.push({ text: text.slice(match.index, end), named: true });
  }
  if (end < text.length) pieces.push({ text: text.slice(end), named: false });
  return pieces;
}
