import { blocks } from './blocks';
import type { Block, Span } from './tree';

/** Longer texts fold. */
export const linesShown = 12;
/** What a line of the widest bubble holds; in a narrow one a folded text has as many lines. */
const perLine = 90;
/** Texts whose trees are kept: what is in sight, and more than a reader scrolls back to. */
const mostKept = 1_000;
/** Made when it is first asked about: few texts are all emoji, and the browser takes a while for this one. */
let onlyEmoji: RegExp | undefined;

/** A text, read once, and what the reader has opened in it: rows that are scrolled out of sight are drawn anew when they are back. */
export class Formatted {
  readonly blocks: readonly Block[];
  /** One run of lines, without blocks. */
  readonly isParagraph: boolean;
  /** All there is to it is text; null: there is more. */
  readonly plain: string | null;
  /** It has one line, if that is not too long for one: what stands behind it may go on there. */
  readonly isLine: boolean;
  /** A few emoji and nothing else: they are drawn large. */
  readonly isEmoji: boolean;
  readonly isLong: boolean;
  unfolded = false;
  readonly revealed = new WeakSet<Span>();

  constructor(text: string) {
    this.blocks = blocks(text);
    this.isParagraph = this.blocks.length === 0 || (this.blocks.length === 1 && this.blocks[0]!.kind === 'paragraph');
    this.plain = plainOf(this.blocks);
    this.isLine = this.isParagraph && !text.includes('\n');
    this.isEmoji = this.plain !== null && isOnlyEmoji(this.plain);
    this.isLong = countLines(text) > linesShown;
  }
}

const kept = new Map<string, Formatted>();

/** The tree of a text. The same text has the same one for as long as it is kept. */
export function formatted(text: string): Formatted {
  const known = kept.get(text);
  if (known) return known;
  const made = new Formatted(text);
  if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
  kept.set(text, made);
  return made;
}

/** The text was deleted: nothing is made of it any more. */
export function forgetFormatted(text: string): void {
  kept.delete(text);
}

function plainOf(found: readonly Block[]): string | null {
  const [first, ...more] = found;
  if (!first) return '';
  if (more.length > 0 || first.kind !== 'paragraph' || first.children.length !== 1) return null;
  const [only] = first.children;
  return only?.kind === 'text' ? only.text : null;
}

function isOnlyEmoji(text: string): boolean {
  if (text.length > 100 || !/\p{Emoji_Presentation}|\ufe0f/u.test(text)) return false;
  // Written so, since the flag is younger than the language that this is compiled to; all browsers that the page is for know it.
  onlyEmoji ??= new RegExp('^\\s*(?:\\p{RGI_Emoji}\\s*){1,3}$', 'v');
  return onlyEmoji.test(text);
}

function countLines(text: string): number {
  let lines = 0;
  for (let from = 0; from <= text.length && lines <= linesShown; ) {
    const end = text.indexOf('\n', from);
    const length = (end < 0 ? text.length : end) - from;
    lines += Math.max(1, Math.ceil(length / perLine));
    from += length + 1;
  }
  return lines;
}
