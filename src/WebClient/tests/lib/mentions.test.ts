import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { blocks } from '../../src/lib/format/blocks';
import type { Block, Inline } from '../../src/lib/format/tree';

/** The server finds names by a scanner of its own: both are held to these cases. */
const cases = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../tests/contract/mentions.json'), 'utf8')) as {
  text: string;
  names: string[];
}[];

const name = /(?<![\p{L}\p{N}@._\-/=&#%])@([A-Za-z0-9][A-Za-z0-9._-]*)(?![\p{L}\p{N}@])/gu;

function outsideCode(tree: readonly Block[]): string {
  return tree.map(ofBlock).join('\0');
}

function ofBlock(block: Block): string {
  switch (block.kind) {
    case 'code':
      return '';
    case 'quote':
      return outsideCode(block.blocks);
    case 'list':
      return block.items.map((item) => outsideCode(item.blocks)).join('\0');
    case 'paragraph':
      return block.children.map(ofInline).join('\0');
  }
}

function ofInline(node: Inline): string {
  if (node.kind === 'code') return '\0';
  return 'children' in node ? node.children.map(ofInline).join('\0') : node.text;
}

it.each(cases)('reads $text as the server does', ({ text, names }) => {
  const found = [...outsideCode(blocks(text)).matchAll(name)].map((match) => match[1]!.toLowerCase());
  expect([...new Set(found)]).toEqual(names);
});
