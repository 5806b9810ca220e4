import { expect, it } from 'vitest';
import { piecesOf } from '../../../src/lib/format/named';

const named = (text: string, ...users: string[]) => piecesOf(text, users).filter((piece) => piece.named).map((piece) => piece.text);

it('sets apart whom a text names, and loses none of it', () => {
  const pieces = piecesOf('hi @ana, and @ANA. Not @anabel', ['ana']);
  expect(pieces.map((piece) => piece.text).join('')).toBe('hi @ana, and @ANA. Not @anabel');
  expect(pieces.filter((piece) => piece.named).map((piece) => piece.text)).toEqual(['@ana', '@ANA']);
});

it('reads the end of a sentence as the server does', () => {
  expect(named('ask @ana.', 'ana')).toEqual(['@ana']);
  expect(named('ask @ana.b.', 'ana.b')).toEqual(['@ana.b']);
  expect(named('write to bea@ana.org', 'ana')).toEqual([]);
  expect(named('@room and @ana', 'ana', 'room')).toEqual(['@room', '@ana']);
});
