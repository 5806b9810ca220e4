import { roomIdPattern } from '../chat/model/roomId';
import type { Key } from '../i18n/i18n.svelte';

export type DoorPage = 'welcome' | 'signIn' | 'register' | LinkPage;
/** Opened by a link that somebody was sent. */
type LinkPage = 'newPassword' | 'invite';

/** The pages beside the chat: of one's account, and of the server for who runs it. */
export type AccountPage = 'account' | 'sessions' | 'tokens' | 'settings' | 'admin';

/** Of these there is one each. */
type PlainPage = DoorPage | AccountPage | 'directory' | 'whispers' | 'missing';

export type Route = { page: PlainPage } | { page: 'room'; room: string } | { page: 'talk'; user: string };

const rooms = '/rooms/';
const talks = '/talk/';
export const admin = '/admin';
const ofAdmin = /^\/admin\/[a-z]+$/;
const userPattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;
export const lobby = `${rooms}lobby`;
export const invited = '/i';

const fixed: Record<string, PlainPage> = {
  '/': 'welcome',
  '/sign-in': 'signIn',
  '/register': 'register',
  '/p': 'newPassword',
  [invited]: 'invite',
  '/rooms': 'directory',
  '/whispers': 'whispers',
  '/account': 'account',
  '/account/sessions': 'sessions',
  '/account/tokens': 'tokens',
  '/account/settings': 'settings',
  [admin]: 'admin',
};

/** The page of what the account and somebody say to each other. */
export function talkWith(user: string): string {
  return talks + user;
}

export function routeOf(path: string): Route {
  const trimmed = path.length > 1 ? path.replace(/\/$/, '') : path;
  const room = trimmed.startsWith(rooms) ? trimmed.slice(rooms.length) : '';
  if (roomIdPattern.test(room)) return { page: 'room', room };
  const user = trimmed.startsWith(talks) ? trimmed.slice(talks.length) : '';
  if (userPattern.test(user)) return { page: 'talk', user };
  return { page: Object.hasOwn(fixed, trimmed) ? fixed[trimmed]! : ofAdmin.test(trimmed) ? 'admin' : 'missing' };
}

/** Pages for people who are not signed in; a guest may still sign in or register. */
export function isDoor(route: Route): route is { page: DoorPage } {
  return route.page === 'welcome' || route.page === 'signIn' || route.page === 'register' || isByLink(route.page);
}

export function isByLink(page: Route['page']): page is LinkPage {
  return page === 'newPassword' || page === 'invite';
}

const doors: Record<Exclude<DoorPage, LinkPage>, string> = { welcome: '/', signIn: '/sign-in', register: '/register' };

/** The address of a door that leads on to `to`: it stands in the address, so that it survives a reload, a link to another door and a new tab. */
export function doorTo(door: keyof typeof doors, to: string | null): string {
  return to === null ? doors[door] : `${doors[door]}?to=${to}`;
}

/**
 * Where a door leads to, from the query of its address; null: nothing was asked for. Whoever made the link wrote it, so it is taken only if it is
 * the path of a page of ours behind the door: then it cannot lead to another host, nor around in circles.
 */
export function wantedOf(query: string): string | null {
  const path = new URLSearchParams(query).get('to');
  if (path === null) return null;
  // One message of a room, and nothing else of a query.
  const route = routeOf(path.replace(/\?seq=\d{1,15}$/, ''));
  return (isDoor(route) && route.page !== 'invite') || route.page === 'missing' ? null : path;
}

/** The page that is open, with the message that its address names. */
export function addressOf(path: string, query: string): string {
  const seq = /^\d{1,15}$/.exec(new URLSearchParams(query).get('seq') ?? '')?.[0];
  return seq === undefined ? path : `${path}?seq=${seq}`;
}

/** The pages that those beside the chat lead back to. */
export function isChat(route: Route): route is { page: 'directory' | 'whispers' } | Extract<Route, { page: 'room' | 'talk' }> {
  return ['room', 'talk', 'directory', 'whispers'].includes(route.page);
}

export function isAccount(route: Route): route is { page: AccountPage } {
  return ['account', 'sessions', 'tokens', 'settings', 'admin'].includes(route.page);
}

export function titleKey(route: Route): Key | null {
  return route.page === 'room' || route.page === 'talk' ? null : `page.${route.page}`;
}
