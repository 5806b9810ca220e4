const wild = /[\u202a-\u202e\u2066-\u2069]/;
const popEmbedding = '\u202c';
const popIsolate = '\u2069';

/**
 * The same text with its bidirectional controls balanced (UAX #9): what it opens ends with its line, and what closes nothing of its own is
 * left out. So a text turns round nothing that is drawn beside it, and does not break out of the element that isolates it.
 */
export function closedBidi(text: string): string {
  if (!wild.test(text)) return text;
  let closed = '';
  /** What closes each control that is open, the innermost last. */
  const open: string[] = [];
  let isolates = 0;

  const close = () => {
    const closing = open.pop()!;
    if (closing === popIsolate) isolates--;
    closed += closing;
  };
  for (const char of text) {
    if (char >= '\u2066' && char <= '\u2068') {
      isolates++;
      open.push(popIsolate);
    } else if (char >= '\u202a' && char <= '\u202e' && char !== popEmbedding) {
      open.push(popEmbedding);
    } else if (char === popIsolate) {
      if (isolates === 0) continue;
      // It ends the embeddings inside too.
      while (open.at(-1) !== popIsolate) open.pop();
      open.pop();
      isolates--;
    } else if (char === popEmbedding) {
      if (open.at(-1) !== popEmbedding) continue;
      open.pop();
    } else if (char === '\n' || char === '\u2029') {
      while (open.length > 0) close();
    }
    closed += char;
  }
  while (open.length > 0) close();
  return closed;
}
