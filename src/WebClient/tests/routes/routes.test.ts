import { expect, it } from 'vitest';
import { addressOf, doorTo, routeOf, wantedOf } from '../../src/routes/routes';

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
  ['/account/settings', { page: 'settings' }],
  ['/account', { page: 'account' }],
  ['/account/nowhere', { page: 'missing' }],
  ['/admin', { page: 'admin' }],
  ['/admin/', { page: 'admin' }],
  ['/admin/accounts', { page: 'admin' }],
  ['/admin/a/b', { page: 'missing' }],
  ['/constructor', { page: 'missing' }],
  ['/p', { page: 'newPassword' }],
  ['/i', { page: 'invite' }],
])('%s', (path, route) => expect(routeOf(path)).toEqual(route));

it.each(['/rooms/movie-night', '/rooms/movie-night?seq=42', '/talk/bea.1', '/rooms', '/whispers', '/account/tokens', '/admin/accounts', '/i'])('P14: every door keeps that %s was asked for', (path) => {
  for (const door of ['welcome', 'signIn', 'register'] as const) {
    const address = new URL(doorTo(door, path), 'http://localhost');
    expect(wantedOf(address.search)).toBe(path);
    expect(routeOf(address.pathname)).toEqual({ page: door });
  }
});

it.each([
  '',
  '?to=',
  '?to=//evil.example/rooms/x',
  '?to=https://evil.example/',
  '?to=javascript:alert(1)',
  '?to=/rooms/..%2f..%2f/evil',
  '?to=/rooms/x%0d%0aevil',
  '?to=%5c%5cevil.example',
  '?to=/rooms/x?to=//evil.example',
  '?to=/nowhere',
  '?to=/',
  '?to=/sign-in',
  '?to=/p',
  '?too=/rooms/x',
])('P14: a door does not lead where %s says', (query) => {
  expect(wantedOf('?to=/rooms/x')).toBe('/rooms/x');
  expect(wantedOf(query)).toBeNull();
});

it('keeps of a query the message that it names', () => {
  expect([addressOf('/rooms/x', '?seq=42'), addressOf('/rooms/x', '?seq=4x'), addressOf('/rooms/x', '?to=/y')]).toEqual(['/rooms/x?seq=42', '/rooms/x', '/rooms/x']);
});
