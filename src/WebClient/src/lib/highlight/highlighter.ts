import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import shell from 'highlight.js/lib/languages/shell';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';
import type { Lit } from './lit';

const lowlight = createLowlight({
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  makefile,
  markdown,
  php,
  powershell,
  python,
  ruby,
  rust,
  shell,
  sql,
  swift,
  typescript,
  xml,
  yaml,
});

type Node = ReturnType<typeof lowlight.highlight>['children'][number];

/** Code is as deep as its author likes: a thousand template literals in one another are as many elements, and each costs the browser a call. */
const deepest = 8;

/** Grammars take time by the square of what is written against them: of twice as much, a tenth of a second. */
const mostCharacters = 2_000;

/** The code with what each part of it is; null: the language is not known, there is too much of it, or the library gives up. The texts put together are the code. */
export function lit(language: string, code: string): Lit[] | null {
  if (code.length > mostCharacters || !lowlight.registered(language)) return null;
  try {
    return lowlight.highlight(language, code).children.flatMap((node) => partOf(node, 1));
  } catch {
    // Its grammars are many, and what is written to break one of them is shown without colours.
    return null;
  }
}

function partOf(node: Node, depth: number): Lit[] {
  if (node.type === 'text') return [node.value];
  if (node.type !== 'element') return [];
  const names = node.properties['className'];
  const parts = depth < deepest ? node.children.flatMap((child) => partOf(child, depth + 1)) : [textOf(node)];
  return [{ names: Array.isArray(names) ? names.join(' ') : '', parts }];
}

function textOf(node: Node): string {
  let text = '';
  const left = [node];
  for (let next = left.pop(); next; next = left.pop()) {
    if (next.type === 'text') text += next.value;
    else if (next.type === 'element') for (let index = next.children.length - 1; index >= 0; index--) left.push(next.children[index]!);
  }
  return text;
}
