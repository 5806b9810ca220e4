import { describe, expect, it } from 'vitest';
import { excerptOf, shownAround } from '../../../src/chat/search/excerpt';

describe('An excerpt', () => {
  it('marks what was found, and leaves no letter out of a short text', () => {
    expect(excerptOf('one fish, two fish', [[4, 4], [14, 4]])).toEqual([
      { text: 'one ', found: false },
      { text: 'fish', found: true },
      { text: ', two ', found: false },
      { text: 'fish', found: true },
    ]);
    expect(excerptOf('all', [])).toEqual([{ text: 'all', found: false }]);
  });

  it('shows of a long text what stands around the first word', () => {
    const text = 'word '.repeat(400) + 'fish ' + 'more '.repeat(400);

    const pieces = excerptOf(text, [[2000, 4]]);

    expect(pieces[0]).toEqual({ text: '…', found: false });
    expect(pieces.at(-1)).toEqual({ text: '…', found: false });
    expect(pieces.filter((piece) => piece.found)).toEqual([{ text: 'fish', found: true }]);
    expect(pieces.map((piece) => piece.text).join('').length).toBeLessThan(250);
  });

  it('takes ranges that cannot be, as none', () => {
    expect(excerptOf('abc', [[2, 0], [5, 9], [1, 1], [0, 2]]).map((piece) => piece.text).join('')).toBe('abc');
  });
});

describe('What is shown around what was found', () => {
  const shown = (text: string, word: string) => shownAround(text, [[text.indexOf(word), word.length]]);

  it('marks words where they stand without the marks', () => {
    expect(shown('~~gone~~ and **bold** words', 'bold')).toEqual([
      { text: 'gone and ', found: false },
      { text: 'bold', found: true },
      { text: ' words', found: false },
    ]);
  });

  it('gives nothing away that is hidden, also where it was found', () => {
    expect(shown('it is ||secretword||', 'secretword')).toEqual([{ text: 'it is Spoiler', found: false }]);
  });

  it('marks no part within another word', () => {
    expect(shown('**or** ||fish|| of Orford or', 'or')[0]).toEqual({ text: 'or', found: true });
    expect(shown('_the_ ||or|| worm', 'or')).toEqual([{ text: 'the Spoiler worm', found: false }]);
  });
});
