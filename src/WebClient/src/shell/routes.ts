import type { Key } from '../i18n/en';

export type DoorPage = 'welcome' | 'signIn' | 'register';

export type Route = { page: DoorPage } | { page: 'directory' | 'whispers' | 'account' | 'sessions' | 'tokens' | 'missing' } | { page: 'room'; room: string };

export const lobby = '/rooms/lobby';

const fixed: Record<string, Route> = {
  '/': { page: 'welcome' },
  '/sign-in': { page: 'signIn' },
  '/register': { page: 'register' },
  '/rooms': { page: 'directory' },
  '/whispers': { page: 'whispers' },
  '/account': { page: 'account' },
  '/account/sessions': { page: 'sessions' },
  '/account/tokens': { page: 'tokens' },
};

export function routeOf(path: string): Route {
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path;
  const room = /^\/rooms\/([a-z0-9][a-z0-9-]{0,63})$/.exec(trimmed)?.[1];
  if (room) return { page: 'room', room };
  return Object.hasOwn(fixed, trimmed) ? fixed[trimmed]! : { page: 'missing' };
}

/** Pages for people who are not signed in; a guest may still sign in or register. */
export function isDoor(route: Route): route is { page: DoorPage } {
  return route.page === 'welcome' || route.page === 'signIn' || route.page === 'register';
}

export function titleKey(route: Route): Key | null {
  return route.page === 'room' ? null : `page.${route.page}`;
}
