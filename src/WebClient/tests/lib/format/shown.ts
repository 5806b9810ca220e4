import type { Block, Inline } from '../../../src/lib/format/tree';

/** A tree in one line, as its elements are named. */
export function shown(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      if (block.kind === 'paragraph') return shownInline(block.children);
      if (block.kind === 'code') return `<pre ${block.language}>${block.text}</pre>`;
      if (block.kind === 'quote') return `<q>${shown(block.blocks)}</q>`;
      return `<ul>${block.items.map(({ value, blocks: inside }) => `<li${value === null ? '' : ` ${value}`}>${shown(inside)}</li>`).join('')}</ul>`;
    })
    .join(' | ');
}

const names = { strong: 'b', em: 'i', strike: 's', spoiler: 'spoiler' };

export function shownInline(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      if ('children' in node) return `<${names[node.kind]}>${shownInline(node.children)}</${names[node.kind]}>`;
      return node.kind === 'text' ? node.text : node.kind === 'code' ? `<code>${node.text}</code>` : `<a>${node.text}</a>`;
    })
    .join('');
}

/** All text of a tree, in its order, with where its links lead that are called something. */
export function textOf(blocks: readonly Block[]): string {
  const ofInline = (node: Inline): string => {
    if ('children' in node) return node.children.map(ofInline).join('');
    return node.text + (node.kind === 'link' && node.host !== undefined ? decodeURI(node.href) : '');
  };
  return blocks
    .map((block) => {
      if (block.kind === 'paragraph') return block.children.map(ofInline).join('');
      if (block.kind === 'code') return `${block.language}\n${block.text}`;
      if (block.kind === 'quote') return textOf(block.blocks);
      return block.items.map(({ value, blocks: inside }) => `${value ?? ''} ${textOf(inside)}`).join('\n');
    })
    .join('\n');
}
