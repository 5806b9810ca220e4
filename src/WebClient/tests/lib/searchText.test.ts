import { describe, expect, it } from 'vitest';
import { searchFor, searchText } from '../../src/lib/searchText';

describe('searching', () => {
  it.each([
    ['musica', 'Música'],
    ['MÚSICA', 'musica'],
    ['coracao', 'Coração'],
    ['strasse', 'Straße'],
    ['kobenhavn', 'København'],
    ['lodz', 'Łódź'],
    ['istanbul', 'İstanbul'],
    ['file', 'ﬁle'],
    ['musica', 'Mu\u0301sica'],
  ])('P25: "%s" finds "%s"', (wanted, text) => {
    expect(searchFor(wanted)(text)).toBe(true);
  });

  it('finds each word wherever it stands', () => {
    expect(searchFor('cinema noite')('Noite de cinema')).toBe(true);
    expect(searchFor('cinema dia')('Noite de cinema')).toBe(false);
  });

  it('finds everything when nothing is wanted', () => {
    expect(searchFor('  ')('anything')).toBe(true);
  });

  it('keeps letters apart that are not marks', () => {
    expect(searchText('日本語')).toBe('日本語');
    expect(searchFor('か')('き')).toBe(false);
  });
});
