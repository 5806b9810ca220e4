import { expect, it } from 'vitest';
import { routeOf } from '../../src/shell/routes';

it.each([
  ['/', { page: 'welcome' }],
  ['/rooms', { page: 'directory' }],
  ['/rooms/', { page: 'directory' }],
  ['/rooms/movie-night', { page: 'room', room: 'movie-night' }],
  ['/rooms/..', { page: 'missing' }],
  ['/rooms/%2f', { page: 'missing' }],
  ['/rooms/a/b', { page: 'missing' }],
  ['/rooms/Lobby', { page: 'missing' }],
  ['/account/tokens', { page: 'tokens' }],
  ['/constructor', { page: 'missing' }],
])('%s', (path, route) => expect(routeOf(path)).toEqual(route));
