import type { Block, Inline } from './tree';

/** What is read aloud of a text: its words without the marks, and `hidden` in the place of what is shown to none but who asks for it. */
export function words(blocks: readonly Block[], hidden: string): string {
  return blocks.map((block) => ofBlock(block, hidden)).join('\n');
}

function ofBlock(block: Block, hidden: string): string {
  if (block.kind === 'paragraph') return block.children.map((node) => ofInline(node, hidden)).join('');
  if (block.kind === 'code') return block.text;
  if (block.kind === 'quote') return words(block.blocks, hidden);
  return block.items.map((item) => (item.value === null ? '' : `${item.value}. `) + words(item.blocks, hidden)).join('\n');
}

function ofInline(node: Inline, hidden: string): string {
  if (node.kind === 'spoiler') return hidden;
  return 'children' in node ? node.children.map((child) => ofInline(child, hidden)).join('') : node.text;
}
