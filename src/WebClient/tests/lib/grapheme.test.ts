import { expect, it } from 'vitest';
import { firstGrapheme } from '../../src/lib/grapheme';

it.each([
  ['Ana', 'A'],
  ['🇧🇷 Ana', '🇧🇷'],
  ['👩‍👩‍👧 Silva', '👩‍👩‍👧'],
  ['é', 'é'],
  ['', ''],
])('B33: the initial of %j is whole', (name, initial) => expect(firstGrapheme(name)).toBe(initial));
