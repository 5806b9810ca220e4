import { drawn, inlines } from './inline';
import { Budget, type Block } from './tree';

/** A quote in a list in a quote: further in, everything is text. */
const deepest = 4;
const fence = /^ {0,3}(`{3,})([\w+#.-]{0,30})[ \t]*$/;
/** With a space behind it: `>_<` and `>:(` are faces. */
const quoted = /^ {0,3}>(?: |>|$)/;
const item = /^( {0,3})([-*•]|\d{1,3}[.)]) +(?=\S)/;
const indented = /^(?: {2,}|\t)(?=.*\S)/;

/**
 * Light markdown as people write it in a chat, as a tree: code, quotes, lists, and lines of text. Nothing that was written is left out but the marks themselves.
 * In time that grows as the text does: each line is looked at once on each level, and a search that found nothing is not made again.
 */
export function blocks(text: string): Block[] {
  return new Lines(text.split(/\r\n|[\n\r]/), new Budget(), 0).read();
}

class Lines {
  readonly #lines: readonly string[];
  readonly #budget: Budget;
  readonly #depth: number;
  readonly #blocks: Block[] = [];
  #plain: string[] = [];
  /** No line ends with so many backticks from here on. */
  #unclosed = Infinity;

  constructor(lines: readonly string[], budget: Budget, depth: number) {
    this.#lines = lines;
    this.#budget = budget;
    this.#depth = depth;
  }

  read(): Block[] {
    for (let at = 0; at < this.#lines.length; ) {
      const next = this.#readBlock(at);
      if (next === at) this.#plain.push(this.#lines[at++]!);
      else at = next;
    }
    this.#endParagraph();
    return this.#blocks;
  }

  /** Where the block ends that begins at this line; the line itself: none does. */
  #readBlock(at: number): number {
    const line = this.#lines[at]!;
    if (this.#depth >= deepest || this.#budget.elements <= 1) return at;
    const opening = fence.exec(line);
    if (opening) return this.#readCode(at, opening[1]!, opening[2]!);
    if (quoted.test(line)) return this.#readQuote(at);
    return this.#item(line) ? this.#readList(at) : at;
  }

  #readCode(at: number, ticks: string, language: string): number {
    if (ticks.length >= this.#unclosed) return at;
    const close = this.#lines.findIndex((line, index) => index > at && line.trimEnd().endsWith(ticks));
    if (close < 0) {
      this.#unclosed = ticks.length;
      return at;
    }
    this.#endParagraph();
    this.#budget.take('elements');
    const last = this.#lines[close]!.trimEnd().slice(0, -ticks.length);
    const code = [...this.#lines.slice(at + 1, close), ...(last.trim() === '' ? [] : [last])];
    this.#blocks.push({ kind: 'code', language: language.toLowerCase(), text: drawn(code.join('\n')) });
    return close + 1;
  }

  #readQuote(at: number): number {
    let end = at;
    const inside: string[] = [];
    for (; end < this.#lines.length && quoted.test(this.#lines[end]!); end++) inside.push(this.#lines[end]!.replace(/^ {0,3}> ?/, ''));
    this.#endParagraph();
    this.#budget.take('elements');
    this.#blocks.push({ kind: 'quote', blocks: this.#inside(inside) });
    return end;
  }

  #readList(at: number): number {
    this.#endParagraph();
    this.#budget.take('elements');
    const numbered = valueOf(this.#item(this.#lines[at]!)!) !== null;
    const items: { value: number | null; blocks: Block[] }[] = [];
    for (let found = this.#item(this.#lines[at]!); found; found = this.#item(this.#lines[at] ?? '')) {
      if ((valueOf(found) !== null) !== numbered || !this.#budget.take('elements')) break;
      const width = found[0].length;
      const inside = [this.#lines[at]!.slice(width)];
      for (at++; at < this.#lines.length && indented.test(this.#lines[at]!); at++) inside.push(withoutIndent(this.#lines[at]!, width));
      items.push({ value: valueOf(found), blocks: this.#inside(inside) });
    }
    this.#blocks.push({ kind: 'list', items });
    return at;
  }

  /** In the text itself a list stands at the edge: what is set in is kept as it is. */
  #item(line: string): RegExpExecArray | null {
    const found = item.exec(line);
    return found && (this.#depth > 0 || found[1]!.length <= 1) ? found : null;
  }

  #inside(lines: readonly string[]): Block[] {
    return new Lines(lines, this.#budget, this.#depth + 1).read();
  }

  #endParagraph(): void {
    const lines = this.#plain;
    this.#plain = [];
    // Blocks stand apart by themselves.
    const from = lines.findIndex((line) => line.trim() !== '');
    if (from < 0) return;
    const to = lines.findLastIndex((line) => line.trim() !== '') + 1;
    this.#blocks.push({ kind: 'paragraph', children: inlines(lines.slice(from, to).join('\n'), this.#budget) });
  }
}

function valueOf(found: RegExpExecArray): number | null {
  const value = Number.parseInt(found[2]!, 10);
  return Number.isNaN(value) ? null : value;
}

function withoutIndent(line: string, width: number): string {
  if (line.startsWith('\t')) return line.slice(1);
  let indent = 0;
  while (indent < width && line[indent] === ' ') indent++;
  return line.slice(indent);
}
