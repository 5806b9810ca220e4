import { describe, expect, it } from 'vitest';
import { inlines } from '../../../src/lib/format/inline';
import { Budget } from '../../../src/lib/format/tree';
import { shownInline } from './shown';

const read = (text: string) => shownInline(inlines(text, new Budget()));

describe('inlines', () => {
  it.each([
    ['a **b** c', 'a <b>b</b> c'],
    ['*a* and _b_', '<i>a</i> and <i>b</i>'],
    ['***a***', '<b><i>a</i></b>'],
    ['**a *b***', '<b>a <i>b</i></b>'],
    ['*a **b***', '<i>a <b>b</b></i>'],
    ['**_a_**, ~~b~~', '<b><i>a</i></b>, <s>b</s>'],
    ['||a **b**||', '<spoiler>a <b>b</b></spoiler>'],
    ['**two\nlines**', '<b>two\nlines</b>'],
    ['(*a*), "**b**"!', '(<i>a</i>), "<b>b</b>"!'],
    ['「**a**」は', '「<b>a</b>」は'],
    ['这是**重要**的', '这是<b>重要</b>的'],
    ['`a *b* _c_`', '<code>a *b* _c_</code>'],
    ['``a`b``', '<code>a`b</code>'],
    ['`` `a` ``', '<code>`a`</code>'],
    ['*a `*` b*', '<i>a <code>*</code> b</i>'],
    ['**[x](https://example.org)**', '<b><a>x</a></b>'],
    ['`https://example.org`', '<code>https://example.org</code>'],
  ])('formats %j', (text, expected) => expect(read(text)).toBe(expected));

  it.each([
    'snake_case_name',
    '2*3*4',
    'a * b * c',
    '5 * 3 and 2 *4',
    '__init__',
    '*args, **kwargs',
    '(*a) + (*b)',
    'a || b || c',
    'x ~~ y ~~',
    '**open',
    '`open',
    '** a **',
    '****',
    '||||',
    '* *',
    'C:\\users\\ana',
    '\\\\server\\share',
    '¯\\_(ツ)_/¯',
    'pre_ and _post',
    '[x] (y)',
    '[a](b)',
    'https://example.org/a_b_c*d*e',
  ])('leaves %j as it is', (text) => expect(read(text).replace(/<\/?a>/g, '')).toBe(text));

  it('takes a mark for itself behind a backslash', () => expect(read('\\*a\\* \\`b\\` \\|\\|c||')).toBe('*a* `b` ||c||'));

  it('gives up what was begun inside of what ends', () => {
    expect(read('**a *b** c*')).toBe('<b>a *b</b> c*');
    expect(read('||a ~~b||~~')).toBe('<spoiler>a ~~b</spoiler>~~');
  });

  it('S9: no control that turns text round reaches out of what it stands in', () => {
    const opens = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/g;
    const closes = /[\u202c\u2069]/g;
    const texts = JSON.stringify(inlines('\u202ea **b\u2067c** `\u202e` \u202c||\u2066d||', new Budget()));
    for (const text of texts.split('"')) expect(text.match(closes)?.length ?? 0).toBe(text.match(opens)?.length ?? 0);
  });

  it('S5: hundreds of marks in one message are not hundreds of elements', () => {
    const count = JSON.stringify(inlines('**a** `b` '.repeat(400), new Budget())).split('"kind":"').filter((node) => !node.startsWith('text')).length;
    expect(count).toBeLessThanOrEqual(201);
  });
});
