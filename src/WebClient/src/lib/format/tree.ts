/** What a text says inside a line. Texts are as they are drawn: bidirectional controls closed, stacks of marks cut. */
export type Inline =
  | { kind: 'text'; text: string }
  /** `host`: the link is called something, and this is where it leads. */
  | { kind: 'link'; text: string; href: string; host?: string }
  | { kind: 'code'; text: string }
  | Span;

export type Span = { kind: 'strong' | 'em' | 'strike' | 'spoiler'; children: Inline[] };

export type CodeBlock = {
  kind: 'code';
  /** As its author named it, in lower case; empty: it has no name. */
  language: string;
  text: string;
};

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | CodeBlock
  | { kind: 'quote'; blocks: Block[] }
  /** `value`: the number that the author wrote; null: a list without numbers. */
  | { kind: 'list'; items: { value: number | null; blocks: Block[] }[] };

/** How much of one text may still be formatted. What is beyond stays text: hundreds of elements take longer to draw than all else in sight. */
export class Budget {
  links = 40;
  elements = 200;

  /** Answers whether there was room for one more. */
  take(of: 'links' | 'elements', count = 1): boolean {
    if (this[of] < count) return false;
    this[of] -= count;
    return true;
  }
}
