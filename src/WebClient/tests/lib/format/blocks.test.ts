import { describe, expect, it } from 'vitest';
import { blocks } from '../../../src/lib/format/blocks';
import { Budget } from '../../../src/lib/format/tree';
import { shown, textOf } from './shown';

const read = (text: string) => shown(blocks(text));

describe('blocks', () => {
  it.each([
    ['```\na *b*\n\n  c\n```', '<pre >a *b*\n\n  c</pre>'],
    ['```Js\nlet a;\n```', '<pre js>let a;</pre>'],
    ['look:\n```c++\nint a;```\nthere', 'look: | <pre c++>int a;</pre> | there'],
    ['````\n```\n````', '<pre >```</pre>'],
    ['> a\n> **b**\nc', '<q>a\n<b>b</b></q> | c'],
    ['> > a\n> b', '<q><q>a</q> | b</q>'],
    ['>\n> a', '<q>a</q>'],
    ['- a\n- **b**\n* c', '<ul><li>a</li><li><b>b</b></li><li>c</li></ul>'],
    ['3. a\n4) b', '<ul><li 3>a</li><li 4>b</li></ul>'],
    ['- a\n  - b\n    c\n- d', '<ul><li>a | <ul><li>b\nc</li></ul></li><li>d</li></ul>'],
    ['1. a\n   - b', '<ul><li 1>a | <ul><li>b</li></ul></li></ul>'],
    ['- a\n1. b', '<ul><li>a</li></ul> | <ul><li 1>b</li></ul>'],
    ['a\n\nb', 'a\n\nb'],
    ['\n\na\n\n- b\n\n', 'a | <ul><li>b</li></ul>'],
    ['> - a\n> ```\n> b\n> ```', '<q><ul><li>a</li></ul> | <pre >b</pre></q>'],
  ])('reads %j', (text, expected) => expect(read(text)).toBe(expected));

  it.each([
    '```\nnever closed',
    '```js',
    '>_<',
    '>:( no',
    '-a',
    '-5 degrees',
    '2026. What a year',
    '1.5 is enough',
    '-',
    '    def f():\n        return 1',
    'key:\n  - a\n  - b',
    '  indented\n\ttabbed',
    'a - b',
    '# no heading',
  ])('leaves %j as it is', (text) => expect(read(text)).toBe(text));

  it('goes no deeper than anybody quotes', () => {
    expect(read('> '.repeat(50) + 'a').match(/<q>/g)).toHaveLength(4);
  });

  it('S5: thousands of items in one message are not thousands of elements', () => {
    const tree = blocks('- a\n'.repeat(1_000));
    expect(JSON.stringify(tree).match(/"value"/g)!.length).toBeLessThanOrEqual(200);
    expect(textOf(tree).match(/a/g)).toHaveLength(1_000);
  });
});

describe('S5: whatever is written', () => {
  const pieces = ['*', '**', '_', '~~', '||', '`', '```', '```js\n', '\n', '\n\n', '> ', '- ', '1. ', '  ', '\t', '[', '](', ')', '\\', 'https://a.b/c', 'www.a.bc/', 'x@y.zz', 'word', ' ', 'é', '😀', '\u202e', '\u2069', '中', '1', '\ud800', '|', '~'];
  /** The same numbers each time: what goes wrong once can be looked at again. */
  const random = (seed: number) => () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  const said = (text: string) => text.replace(/https?:\/\/|[^\p{L}\p{N}😀]/gu, '');

  it('no letter of it is lost, added or moved, and nothing is thrown', () => {
    for (let seed = 1; seed <= 4_000; seed++) {
      const next = random(seed);
      const text = Array.from({ length: 1 + Math.floor(next() * 40) }, () => pieces[Math.floor(next() * pieces.length)]!).join('');
      expect(said(textOf(blocks(text))), JSON.stringify(text)).toBe(said(text));
    }
  });

  it.each(['*', '**', '***a', '_a', '~~a', '||a', '`', '`a``', '[', '[a](', '[a](https://a', '\\', '> ', '- ', '- a\n', '  - a\n', '>\n', '```\n', '```js\n', '````'.repeat(2) + '\n', 'a@', 'www.', 'a*', '*a', '**a*b', '\u202e*', '*a* '])(
    'the work for %j, said a hundred thousand times, grows no faster than the text',
    // Were it to grow with the square, this would not end in time.
    (piece) => expect(blocks(piece.repeat(100_000)).length).toBeGreaterThan(0),
  );

  it('one budget holds for the whole text', () => {
    const budget = new Budget();
    expect(budget.take('links', 40)).toBe(true);
    expect(budget.take('links')).toBe(false);
  });
});
