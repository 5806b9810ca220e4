import { describe, expect, it } from 'vitest';
import { lookOf } from '../../src/lib/lookOf';

describe('lookOf', () => {
  it.each([
    ['Maria Souza', 'Maria Souza ✔'],
    ['Maria Souza', 'MARIA  SOUZA'],
    ['Maria Souza', 'Mаriа Sоuza'],
    ['Ana', 'Αna'],
    ['Ana', 'Ana\u{1d159}'],
    ['Ana', 'Ána'],
    ['Bill', 'BiIl'],
    ['Bob', 'B0b'],
    ['Ana', 'ᴀɴᴀ'],
    ['modern', 'modem'],
  ])('P4: "%s" may be taken for "%s"', (one, other) => {
    expect(lookOf(one)).toBe(lookOf(other));
  });

  it('tells different names apart, and names without letters', () => {
    const names = ['Ana', 'Anna', 'Bea', '日本', '😀', '🎉', '...'];
    expect(new Set(names.map(lookOf)).size).toBe(names.length);
  });
});
