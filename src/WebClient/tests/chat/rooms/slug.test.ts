import { expect, it } from 'vitest';
import { roomIdPattern } from '../../../src/chat/model/roomId';
import { freeId, slug } from '../../../src/chat/rooms/slug';

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

it.each([
  ['Movie night', [], 'movie-night'],
  ['Movie night', ['movie-night'], 'movie-night-2'],
  ['Movie night', ['movie-night', 'movie-night-2'], 'movie-night-3'],
  ['日本語', [], 'room'],
  ['日本語', ['room'], 'room-2'],
  ['a'.repeat(80), ['a'.repeat(64)], `${'a'.repeat(62)}-2`],
  [`${'a'.repeat(61)}-bcd`, [`${'a'.repeat(61)}-bc`], `${'a'.repeat(61)}-2`],
])('P38: suggests a free address for %s', (title, taken, id) => {
  const free = freeId(title, 'room', (one) => (taken as string[]).includes(one));
  expect(free).toBe(id);
  expect(free).toMatch(roomIdPattern);
});
