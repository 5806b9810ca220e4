import { expect, it } from 'vitest';
import { countScalars } from '../../src/lib/scalars';

it.each([
  ['', 0],
  ['olá', 3],
  ['👋', 1],
  ['👩‍👧', 3],
])('counts %s as the server does', (text, count) => expect(countScalars(text)).toBe(count));
