import { describe, expect, it } from 'vitest';
import { fewMarks } from '../../src/lib/fewMarks';
import { inlines } from '../../src/lib/format/inline';
import { Budget } from '../../src/lib/format/tree';

/** Neither text here has marks: all that there is in their trees is text and links. */
const splitLinks = (text: string) => inlines(text, new Budget()) as { text: string }[];

describe('fewMarks', () => {
  it('P3: draws a stack of marks no higher than any writing needs', () => {
    const drawn = fewMarks(`a${'\u0301'.repeat(3_999)}b`);
    expect([...drawn].length).toBe(10);
    expect(drawn.startsWith('a') && drawn.endsWith('b')).toBe(true);
    expect(splitLinks(`a${'\u0301'.repeat(3_999)}`)[0]!.text.length).toBe(9);
  });

  it.each(['José', 'Việt Nam', 'ལྷ་ས', 'שָׁלוֹם', 'हिन्दी', '👩‍👩‍👧', '1️⃣ 🏳️‍🌈', 'a\u0301\u0302\u0303\u0304\u0305'])('leaves %s as it is', (text) => expect(fewMarks(text)).toBe(text));
});

it('P3: hundreds of links in one message are not hundreds of elements', () => {
  const parts = splitLinks('http://a '.repeat(440));
  expect(parts.length).toBeLessThanOrEqual(81);
  expect(parts.map((part) => part.text).join('')).toBe('http://a '.repeat(440));
});
