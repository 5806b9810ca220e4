import { expect, it } from 'vitest';
import type { CodeBlock } from '../../../src/lib/format/tree';
import { highlighter, litOf, type Lit } from '../../../src/lib/highlight/lit';
import { lit } from '../../../src/lib/highlight/highlighter';

const textOf = (parts: readonly Lit[]): string => parts.map((part) => (typeof part === 'string' ? part : textOf(part.parts))).join('');

it('code is taken apart, and put together it is what it was', () => {
  const code = 'const a = "<b>"; // <script>\nif (a) return 1;';
  for (const language of ['js', 'ts', 'python', 'sh', 'cs', 'html', 'yaml', 'sql']) expect(textOf(lit(language, code)!)).toBe(code);
  expect(lit('js', 'const a')![0]).toEqual({ names: 'hljs-keyword', parts: ['const'] });
  expect(lit('no-such-language', code)).toBeNull();
  expect(lit('js', 'a'.repeat(2_000))).not.toBeNull();
  expect(lit('js', 'a'.repeat(2_001))).toBeNull();
});

it('code without a language is its text, and the library is asked for by whoever sees a language', () => {
  const block: CodeBlock = { kind: 'code', language: 'js', text: 'const a' };
  expect(litOf(block)).toEqual(['const a']);
  expect(litOf({ ...block, language: '' })).toEqual(['const a']);
  expect(highlighter.loaded).toBeNull();
});

it.each(['{', '"', "'", '/*', '<a ', '`${', '((', '\\', '#', '@', '- ', '$('])('a message of %j alone is coloured in time, as what it may claim to be', (piece) => {
  for (const language of ['js', 'ts', 'python', 'bash', 'cs', 'xml', 'yaml', 'markdown', 'php', 'cpp', 'ruby', 'swift']) {
    const code = piece.repeat(2_000 / piece.length);
    expect(textOf(lit(language, code)!), language).toBe(code);
  }
});
