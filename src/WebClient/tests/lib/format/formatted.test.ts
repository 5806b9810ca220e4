import { describe, expect, it } from 'vitest';
import { Formatted, formatted } from '../../../src/lib/format/formatted';
import { words } from '../../../src/lib/format/words';

describe('Formatted', () => {
  it('knows plain text, which needs no elements of its own', () => {
    expect(new Formatted('just words').plain).toBe('just words');
    expect(new Formatted('two\nlines').plain).toBe('two\nlines');
    expect(new Formatted('').plain).toBe('');
    expect(new Formatted('some **bold** words')).toMatchObject({ plain: null, isLine: true });
    expect(new Formatted('- a')).toMatchObject({ plain: null, isLine: false });
  });

  it.each(['😀', '👍🏽 👍🏽', '👩‍👩‍👧🏳️‍🌈🇧🇷', ' ❤️ '])('draws %s large', (text) => expect(new Formatted(text).isEmoji).toBe(true));

  it.each(['😀😀😀😀', 'a 😀', '1', '#', '😀!', 'ok'])('does not draw %s large', (text) => expect(new Formatted(text).isEmoji).toBe(false));

  it('folds what has more than twelve lines, written or wrapped', () => {
    expect(new Formatted(Array(12).fill('a').join('\n')).isLong).toBe(false);
    expect(new Formatted(Array(13).fill('a').join('\n')).isLong).toBe(true);
    expect(new Formatted('a'.repeat(1_080)).isLong).toBe(false);
    expect(new Formatted('a'.repeat(1_081)).isLong).toBe(true);
  });

  it('is made once for a text, and remembers what was opened in it', () => {
    const text = `a ${'line\n'.repeat(20)}`;
    formatted(text).unfolded = true;
    expect(formatted(text).unfolded).toBe(true);
    for (let i = 0; i < 1_000; i++) formatted(`another ${i}`);
    expect(formatted(text).unfolded).toBe(false);
  });

  it('is read aloud without its marks, and without what is hidden', () => {
    expect(words(new Formatted('**a** _b_ `c`\n> ||d|| https://example.org\n1. e').blocks, 'spoiler')).toBe('a b c\nspoiler https://example.org\n1. e');
  });
});
