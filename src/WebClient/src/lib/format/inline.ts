import { closedBidi } from '../bidi';
import { fewMarks } from '../fewMarks';
import { findLinks, webUrl, type FoundLink } from '../links';
import type { Budget, Inline, Span } from './tree';

type Mark = '*' | '**' | '***' | '_' | '~~' | '||';

/** What is begun and not ended: there is one of each mark at most, so closing one looks at a few. */
interface Open {
  mark: Mark | null;
  nodes: Inline[];
}

const kinds: Record<Exclude<Mark, '***'>, Span['kind']> = { '*': 'em', _: 'em', '**': 'strong', '~~': 'strike', '||': 'spoiler' };
const marks = new Set<string>(['*', '**', '***', '_', '~~', '||']);
/** Behind a backslash these are themselves. A backslash before another stays: paths of Windows have many. */
const escapable = new Set('*_~|`[');
const shrug = '\\_(ツ)_/';
/** A label ends at brackets and lines, and an address at white space and quotes: none is looked for further than it could be. */
const called = /\[([^[\]\n]{1,200})\]\((https?:\/\/(?:[^\s()<>"'`]|\([^\s()<>"'`]*\)){1,2000})\)/uy;
/** A label that could be taken for an address would say that the link leads elsewhere. */
const likeAddress = /:\/\/|www\.|@|[\p{L}\p{N}]\.\p{L}{2}/iu;

const space = /\s/;
/** Scripts that are written without spaces between words format inside of what only looks like one. */
const inWord = /(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}\p{M}_]/u;

/** Reads one run of lines: emphasis, code, spoilers and links. Never throws; whatever is not closed is text. In time that grows as the text does. */
export function inlines(text: string, budget: Budget): Inline[] {
  return new Reading(text, budget).read();
}

class Reading {
  readonly #text: string;
  readonly #budget: Budget;
  readonly #open: Open[] = [{ mark: null, nodes: [] }];
  readonly #special = /[\\`*_~|[]/g;
  readonly #links: Generator<FoundLink>;
  #link: FoundLink | null;
  /** Where runs of as many backticks begin; those before the reading are behind `#tick`. */
  #ticks: Map<number, number[]> | null = null;
  /** Text up to here has its place in the tree. */
  #done = 0;

  constructor(text: string, budget: Budget) {
    this.#text = text;
    this.#budget = budget;
    this.#links = findLinks(text);
    this.#link = this.#nextLink();
  }

  read(): Inline[] {
    let at = 0;
    while (at < this.#text.length) {
      this.#special.lastIndex = at;
      const next = this.#special.exec(this.#text)?.index ?? this.#text.length;
      while (this.#link !== null && this.#link.from < at) this.#link = this.#nextLink();
      if (this.#link !== null && this.#link.from <= next) at = this.#readLink(this.#link);
      else if (next < this.#text.length) at = this.#readSpecial(next);
      else break;
    }
    this.#say(this.#text.length, this.#text.length);
    while (this.#open.length > 1) this.#dissolve();
    return finished(this.#open[0]!.nodes);
  }

  #nextLink(): FoundLink | null {
    const { value, done } = this.#links.next();
    return done ? null : value;
  }

  #readLink({ from, to, text, href }: FoundLink): number {
    this.#link = this.#nextLink();
    if (this.#budget.take('links')) this.#put(from, to, { kind: 'link', text, href });
    return to;
  }

  #readSpecial(at: number): number {
    const char = this.#text[at]!;
    if (char === '\\') return this.#readEscape(at);
    if (char === '[') return this.#readCalled(at);
    let end = at + 1;
    while (this.#text[end] === char) end++;
    if (char === '`') return this.#readCode(at, end);
    this.#readMark(at, end);
    return end;
  }

  #readEscape(at: number): number {
    if (this.#text.startsWith(shrug, at)) return at + shrug.length;
    if (!escapable.has(this.#text[at + 1] ?? '')) return at + 1;
    this.#say(at, at + 1);
    return at + 2;
  }

  #readCalled(at: number): number {
    called.lastIndex = at;
    const match = called.exec(this.#text);
    const url = match && !likeAddress.test(match[1]!) && match[1]!.trim() !== '' ? webUrl(match[2]!) : null;
    if (!match || !url || !this.#budget.take('links')) return at + 1;
    const end = at + match[0].length;
    this.#put(at, end, { kind: 'link', text: drawn(match[1]!), href: url.href, host: url.host });
    return end;
  }

  #readCode(at: number, end: number): number {
    const close = this.#closingTicks(end, end - at);
    if (close === null || !this.#budget.take('elements')) return end;
    const code = this.#text.slice(end, close);
    // A space on both sides sets a backtick at the edge apart, and is no part of the code.
    const padded = code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '';
    const after = close + (end - at);
    this.#put(at, after, { kind: 'code', text: drawn(padded ? code.slice(1, -1) : code) });
    return after;
  }

  /** Where the next run of so many backticks begins. */
  #closingTicks(from: number, length: number): number | null {
    if (this.#ticks === null) {
      this.#ticks = new Map();
      // The last of each are at the beginning: each is looked at once.
      for (const { 0: run, index } of [...this.#text.matchAll(/`+/g)].reverse()) {
        const places = this.#ticks.get(run.length);
        if (places) places.push(index);
        else this.#ticks.set(run.length, [index]);
      }
    }
    const places = this.#ticks.get(length) ?? [];
    while (places.length > 0 && places.at(-1)! < from) places.pop();
    return places.at(-1) ?? null;
  }

  #readMark(at: number, end: number): void {
    const run = this.#text.slice(at, Math.min(end, at + 4));
    if (!marks.has(run)) return;
    const [before, after] = [this.#charBefore(at), this.#charAt(end)];
    const everywhere = run === '~~' || run === '||';
    const opens = after !== '' && !space.test(after) && (everywhere || !inWord.test(before));
    const closes = before !== '' && !space.test(before) && (everywhere || !inWord.test(after));
    if (closes && this.#close(run as Mark, at, end)) return;
    if (!opens || this.#open.some(({ mark }) => mark === run) || this.#budget.elements <= 0) return;
    this.#say(at, end);
    this.#open.push({ mark: run as Mark, nodes: [] });
  }

  /** Answers whether something was open that ends here. */
  #close(mark: Mark, at: number, end: number): boolean {
    if (this.#isOpen(mark)) {
      if (!this.#budget.take('elements', mark === '***' ? 2 : 1)) return false;
      this.#say(at, end);
      this.#wrap(mark);
      return true;
    }
    // `**bold and *both***`
    if (mark !== '***' || !this.#isOpen('*') || !this.#isOpen('**') || !this.#budget.take('elements', 2)) return false;
    this.#say(at, end);
    const inner = this.#open.findLast((open) => open.mark === '*' || open.mark === '**')!.mark!;
    this.#wrap(inner);
    this.#wrap(inner === '*' ? '**' : '*');
    return true;
  }

  #isOpen(mark: Mark): boolean {
    return this.#open.some((open) => open.mark === mark);
  }

  #wrap(mark: Mark): void {
    while (this.#open.at(-1)!.mark !== mark) this.#dissolve();
    const children = this.#open.pop()!.nodes;
    const node: Inline = mark === '***' ? { kind: 'strong', children: [{ kind: 'em', children }] } : { kind: kinds[mark], children };
    this.#open.at(-1)!.nodes.push(node);
  }

  /** The innermost that is open never ends: its mark is text. */
  #dissolve(): void {
    const { mark, nodes } = this.#open.pop()!;
    const into = this.#open.at(-1)!.nodes;
    into.push({ kind: 'text', text: mark! });
    for (const node of nodes) into.push(node);
  }

  /** What lies before `from` is text; what lies before `to` has been dealt with. */
  #say(from: number, to: number): void {
    if (from > this.#done) this.#open.at(-1)!.nodes.push({ kind: 'text', text: this.#text.slice(this.#done, from) });
    this.#done = to;
  }

  #put(from: number, to: number, node: Inline): void {
    this.#say(from, to);
    this.#open.at(-1)!.nodes.push(node);
  }

  #charAt(index: number): string {
    const code = this.#text.codePointAt(index);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  #charBefore(index: number): string {
    const isLow = (this.#text.charCodeAt(index - 1) & 0xfc00) === 0xdc00;
    return isLow ? this.#text.slice(Math.max(0, index - 2), index) : (this.#text[index - 1] ?? '');
  }
}

/** Texts that stand side by side are one, and are as they are drawn: no control of one reaches over what is drawn beside it. */
function finished(nodes: readonly Inline[]): Inline[] {
  const done: Inline[] = [];
  let text = '';
  const say = () => {
    if (text !== '') done.push({ kind: 'text', text: drawn(text) });
    text = '';
  };
  for (const node of nodes) {
    if (node.kind === 'text') {
      text += node.text;
      continue;
    }
    say();
    done.push('children' in node ? { ...node, children: finished(node.children) } : node);
  }
  say();
  return done;
}

export function drawn(text: string): string {
  return fewMarks(closedBidi(text));
}
