import { t } from '../../i18n/i18n.svelte';
import { looksAfter, ranksAbove } from '../model/rules';
import type { PeopledRoom } from '../people/people.svelte';
import { commandsFor, type Option } from './completing';

/** What who looks after a room types behind a slash; the names are the same in all languages. */
export const hostCommands = ['kick', 'ban', 'mute', 'invite'] as const;
export type HostCommand = (typeof hostCommands)[number];

/** Something that was written to be done about somebody. */
export interface Order {
  command: HostCommand;
  /** The user name; empty: nobody is named. */
  user: string;
  /** For how long, in minutes; null: it was not said, or lasts for ever. */
  minutes: number | null;
  reason: string;
}

const unitMinutes = { m: 1, h: 60, d: 1_440, w: 10_080 } as const;
/** The server holds nobody back for longer, in minutes (docs/protocol.md). */
const longest = 525_600;

/** `/mute @bea 10m Too loud.`; null: it is none of these commands. */
export function readOrder(text: string): Order | null {
  const [, name = '', user = '', behind = ''] = /^\/(\S+)(?:\s+[@＠]?(\S*))?\s*([\s\S]*)$/.exec(text.trim()) ?? [];
  const command = hostCommands.find((one) => one === name.toLowerCase());
  if (command === undefined) return null;
  const order = { command, user: user.toLowerCase(), minutes: null, reason: command === 'invite' ? '' : behind };
  if (command === 'kick' || command === 'invite') return order;
  const [whole, count = '', unit = ''] = /^(\d{1,6})([mhdw])(?:\s+|$)/i.exec(behind) ?? [];
  if (whole === undefined || Number(count) === 0) return order;
  const minutes = Number(count) * unitMinutes[unit.toLowerCase() as keyof typeof unitMinutes];
  return { ...order, minutes: Math.min(minutes, longest), reason: behind.slice(whole.length) };
}

/** Whether the server will let the reader do it in this room, as far as this page knows. */
export function mayOrder(command: HostCommand, { room }: PeopledRoom): boolean {
  return command === 'invite' ? room?.mine === true : looksAfter(room);
}

/** What the server would say of it, as far as this page knows: nobody is asked about it first. Null: nothing. */
export function whyNotDone({ command, user }: Order, { me, room, roles }: PeopledRoom): 'notOneself' | 'ranksAsHigh' | null {
  if (user === me) return 'notOneself';
  return command === 'invite' || ranksAbove(room, roles.of(user)) ? null : 'ranksAsHigh';
}

export function hostOptions(query: string, room: PeopledRoom | null): Option[] {
  return room ? commandsFor(query, hostCommands.filter((command) => mayOrder(command, room)), (command) => t(`command.${command}`)) : [];
}
