import { t } from '../i18n/i18n.svelte';
import { router } from '../lib/router.svelte';
import { talkWith } from '../routes/routes';
import type { Chat } from './chat.svelte';
import { mayReadData } from './model/dataRules';
import { looksAfter, quietUntil } from './model/rules';
import type { Goal } from './palette/palette';

/** What the page itself opens. */
export interface Ways {
  list(list: 'mentions' | 'saved' | 'people' | 'search' | 'devices' | 'room'): void;
  create(): void;
}

/** All that the dialog of Ctrl+K leads to: the rooms, the people one talks to and those of the room that is open, and what can be done. */
export function goalsOf(chat: Chat, ways: Ways): Goal[] {
  return [...rooms(chat), ...people(chat), ...actions(chat, ways)];
}

function rooms({ directory, readings, levels }: Chat): Goal[] {
  return directory.rooms.map(({ id, title, member }) => ({
    key: `room-${id}`,
    group: 'rooms',
    name: title,
    beside: `#${id}`,
    calls: member && !levels.isMuted(id) && readings.unreadIn(id) > 0,
    run: () => router.go(`/rooms/${id}`),
  }));
}

/**
 * Those who are in the open room, its members who are away, those one talks to, and whom other rooms of this visit know:
 * all of them by the conversation with them.
 */
function people({ opened, conversations, me }: Chat): Goal[] {
  const open = [...opened.values()].filter(({ phase }) => phase === 'ready');
  const [here, elsewhere] = [open.filter((room) => room === opened.current), open.filter((room) => room !== opened.current)];
  const known = [here, elsewhere].map((rooms) => rooms.flatMap(({ people, members }) => [...people.list, ...members.list]).filter(({ user }) => user !== me.user));
  const all = new Map<string, string>();
  for (const { user, name } of [...known[0]!, ...conversations.heard, ...known[1]!]) if (!all.has(user)) all.set(user, user === me.user ? t('talk.mine') : name);
  return [...all].map(([user, name]) => ({ key: `user-${user}`, group: 'people', name, beside: `@${user}`, run: () => router.go(talkWith(user)) }));
}

function mayShowDevices({ opened, me }: Chat): boolean {
  const room = opened.current?.phase === 'ready' ? opened.current.room : null;
  return room !== null && mayReadData(room, me.kind);
}

function actions(chat: Chat, { list, create }: Ways): Goal[] {
  const current = chat.opened.current;
  const hosts = current?.phase === 'ready' && current.hosts;
  const isQuiet = quietUntil(current?.room ?? null) !== null;
  const all: [name: string, run: () => void, isOffered?: boolean][] = [
    [t('read.all'), () => void chat.markAllRead(), chat.unread > 0 || chat.mentions.unread > 0],
    [t('mentions.title'), () => list('mentions')],
    [t('saved.title'), () => list('saved')],
    [t('talks.title'), () => router.go('/whispers')],
    [t('search.open'), () => list('search'), chat.opened.current !== null],
    [t('people.label'), () => list('people'), chat.opened.current !== null],
    [t('devices.open'), () => list('devices'), mayShowDevices(chat)],
    [t(looksAfter(chat.opened.current?.room ?? null) ? 'room.keep' : 'room.about'), () => list('room'), chat.opened.current?.phase === 'ready'],
    [t('quiet.do'), () => current?.keepQuiet(), hosts && !isQuiet],
    [t('quiet.end'), () => current && (current.quietAsked = 'end'), hosts && isQuiet],
    [t('rooms.directory'), () => router.go('/rooms')],
    [t('rooms.create'), create, chat.me.kind !== 'guest'],
    [t('page.settings'), () => router.go('/account/settings')],
    [t('page.account'), () => router.go('/account')],
    [t('page.admin'), () => router.go('/admin'), chat.me.administrator],
  ];
  return all.filter(([, , isOffered = true]) => isOffered).map(([name, run]) => ({ key: `do-${name}`, group: 'actions', name, beside: '', run }));
}
