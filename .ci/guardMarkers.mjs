// Where the guards stand in a C# source.

const marker = /\/\* guard: (.+?) \*\/ |\/\/ guard: (.+)\n\s*/g;
const closers = ')]};,';

/** The markers of a source in their order: the guard's name, where the marker begins, where the guard does, and whether it is a statement. */
export function findMarkers(text) {
  return [...text.matchAll(marker)].map(found => ({ name: found[1] ?? found[2], at: found.index, behind: found.index + found[0].length, isLine: found[2] !== undefined }));
}

/** Where a guard ends that begins at `from`: an expression before the bracket, comma or semicolon that is not its own, a statement with its semicolon or brace. */
export function endOfGuard(text, from, isStatement) {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"' || letter === "'") at = endOfLiteral(text, at);
    else if (text.startsWith('//', at)) at = text.indexOf('\n', at);
    else if (text.startsWith('/*', at)) at = text.indexOf('*/', at) + 1;
    else if ('([{'.includes(letter)) depth++;
    else if (depth === 0 && isStatement && letter === ';') return at + 1;
    else if (depth === 0 && !isStatement && closers.includes(letter)) return from + text.slice(from, at).trimEnd().length;
    else if (')]}'.includes(letter) && --depth === 0 && isStatement && letter === '}' && text[at + 1] === '\n') return at + 1;
  }
  throw new Error('A guard has no end.');
}

function endOfLiteral(text, from) {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[from]) return at;
  }
  throw new Error('A literal has no end.');
}
