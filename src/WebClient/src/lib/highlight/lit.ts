import type { CodeBlock } from '../format/tree';
import { Part } from '../part.svelte';

/** A piece of code, or several of which the library says what they are, in its own names (`hljs-keyword`). */
export type Lit = string | { names: string; parts: Lit[] };

/** Loaded when the first code that has a language is in sight. */
export const highlighter = new Part(() => import('./highlighter'));

/** Each is looked at once: rows are drawn anew when they are scrolled to. */
const known = new WeakMap<CodeBlock, readonly Lit[]>();

/** What a block of code is drawn as. Until the library is there, or where it does not know the language, that is its text. */
export function litOf(block: CodeBlock): readonly Lit[] {
  const found = known.get(block);
  if (found || highlighter.loaded === null || block.language === '') return found ?? [block.text];
  const made = highlighter.loaded.lit(block.language, block.text) ?? [block.text];
  known.set(block, made);
  return made;
}
