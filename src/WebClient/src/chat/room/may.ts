import type { Kind } from '../../lib/kind';
import type { Message } from '../model/merge';
import { hasNoAccount, type Room } from '../model/protocol';
import { looksAfter, ranksAbove, whyNotWrite, type Role, type Rules } from '../model/rules';

/** What can be done with a message, in the order in which it is offered. */
export const actions = ['react', 'reply', 'whisper', 'edit', 'copy', 'link', 'shell', 'save', 'unread', 'pin', 'report', 'moderate', 'remove'] as const;
export type Action = (typeof actions)[number];

/** Who looks, and at which room. */
export interface Looker {
  me: string;
  kind: Kind;
  room: Room | null;
  /** Of the author of the message. */
  roleOf(user: string): Role;
}

const betweenTwo: ReadonlySet<Action> = new Set<Action>(['react', 'reply', 'copy', 'link', 'shell', 'save']);

/** What the server will let the reader do, as far as this page knows: it has the last word. */
export function actionsFor(message: Message, { me, kind, room, roleOf }: Looker, now: number): Action[] {
  if (message.deleted) return [];
  const writes = whyNotWrite(room, kind) === null;
  const isMine = message.from.user === me;
  const isAbove = ranksAbove(room, roleOf(message.from.user));
  const may: Record<Action, boolean> = {
    react: writes,
    reply: writes,
    whisper: !isMine && !hasNoAccount(message.from),
    edit: writes && mayEdit(message, me, room?.rules, now),
    copy: true,
    link: true,
    shell: true,
    save: true,
    unread: true,
    pin: looksAfter(room) && !room?.rules?.archived,
    // Whoever may see to it himself tells nobody.
    report: !isMine && !isAbove,
    // Nobody is put out, or muted, who is no account's.
    moderate: !isMine && isAbove && !hasNoAccount(message.from),
    remove: isMine || isAbove,
  };
  return actions.filter((action) => may[action]);
}

/** The same in a conversation of two: each does with his own words what he likes, and answers the other's. */
export function actionsBetween(message: Message, me: string): Action[] {
  if (message.deleted) return [];
  const isMine = message.from.user === me;
  return actions.filter((action) => (action === 'edit' ? mayEdit(message, me, undefined, 0) : action === 'remove' ? isMine : betweenTwo.has(action)));
}

/** The author may, within the room's time for it. What one's bot said, the bot changes; what the dice said, nobody. */
export function mayEdit({ from, at, deleted, roll }: Message, me: string, rules: Rules | undefined, now: number): boolean {
  const window = rules?.editWindow ?? -1;
  return !deleted && !roll && from.user === me && from.kind !== 'bot' && (window < 0 || now - Date.parse(at) <= window * 60_000);
}
