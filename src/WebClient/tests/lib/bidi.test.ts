import { describe, expect, it } from 'vitest';
import { closedBidi } from '../../src/lib/bidi';

const [lre, rlo, pdf, rli, pdi] = ['\u202a', '\u202e', '\u202c', '\u2067', '\u2069'];

describe('closedBidi', () => {
  it.each(['plain', 'שלום עולם', '', `${rlo}abc${pdf} def`, `${rli}a${lre}b${pdf}c${pdi}d`, 'marks \u200e\u200f\u061c alone turn nothing round'])('leaves %j as it is', (text) =>
    expect(closedBidi(text)).toBe(text),
  );

  it.each([
    [`see ${rlo}moc`, `see ${rlo}moc${pdf}`],
    [`${rli}${lre}x`, `${rli}${lre}x${pdf}${pdi}`],
    [`${rli}${lre}x${pdi}y`, `${rli}${lre}x${pdi}y`],
    [`a${pdi}b${pdf}c`, 'abc'],
    // An isolate hides what was opened before it.
    [`${rlo}a${rli}b${pdf}c${pdi}d`, `${rlo}a${rli}bc${pdi}d${pdf}`],
    // A new line ends all of it.
    [`${rlo}a\nb${pdf}c`, `${rlo}a${pdf}\nbc`],
  ])('S9: %j closes what it opens, and nothing else', (text, closed) => expect(closedBidi(text)).toBe(closed));
});
