import { expect, it } from 'vitest';
import { roomIdPattern } from '../../src/chat/protocol';
import { slug } from '../../src/chat/slug';

it.each([
  ['Café da manhã!', 'cafe-da-manha'],
  ['  Movie   night  ', 'movie-night'],
  ['--x--', 'x'],
  ['日本', ''],
  [`${'a'.repeat(63)} b`, 'a'.repeat(63)],
])('makes an address from %s', (title, id) => {
  expect(slug(title)).toBe(id);
  if (id !== '') expect(id).toMatch(roomIdPattern);
});
