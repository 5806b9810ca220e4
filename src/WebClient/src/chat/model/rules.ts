import { isRecord } from '../../lib/http';
import type { Kind } from '../../lib/kind';

export const roles = ['member', 'moderator', 'owner'] as const;
/** What somebody on a room's list may do there; who has a later one ranks higher. */
export type Role = (typeof roles)[number];

const known = {
  visibility: ['public', 'private'],
  entry: ['open', 'request', 'invite'],
  guests: ['write', 'read', 'none'],
  posting: ['everyone', 'moderators'],
} as const;

/** A room's rules, as far as this page knows them. */
export type Rules = { [Field in keyof typeof known]?: (typeof known)[Field][number] } & {
  /** Minutes in which an author may edit what he said; −1: for ever. */
  editWindow?: number;
  /** Seconds between two messages of one account; 0: none. */
  slowMode?: number;
  /** Accounts present at once, moderators aside; 0: no bound. */
  capacity?: number;
  /** How long what was said is kept: days, and newest messages. 0: for ever, all. */
  retention?: { days?: number; messages?: number };
  /** Everybody in it reads it, and nobody writes. */
  archived?: boolean;
  /** Who reads and writes data topics. */
  data?: Record<string, unknown>;
  /** What the room keeps off by itself; 0: nothing. */
  guard?: { newcomerMinutes?: number; repeats?: number; guestsPerMinute?: number };
  /** Until then moderators alone write, and no guests come in; null, or past: it is not so. */
  quietUntil?: string | null;
};

/** What holds somebody back in a room, until when, and why: without an end until it is lifted, without a reason where none is told. */
export interface Held {
  until?: string;
  reason?: string;
}

/** What the server tells the account of itself in a room, beside its role. */
export interface Standing {
  muted?: Held;
  banned?: Held;
  /** Taken out just now: the account waits until then before it comes in again. */
  kicked?: Held;
  /** How long what was said is kept here; left out where all is for ever. */
  kept?: NonNullable<Rules['retention']>;
  /** Under which words it is found in the list of all rooms. */
  tags?: readonly string[];
}

export function readStanding({ muted, banned, kicked, kept, tags }: Record<string, unknown>): Standing {
  return {
    ...(isRecord(muted) && { muted: readHeld(muted) }),
    ...(isRecord(banned) && { banned: readHeld(banned) }),
    ...(isRecord(kicked) && { kicked: readHeld(kicked) }),
    ...(isRecord(kept) && { kept: numbersOf(kept, ['days', 'messages']) }),
    ...(Array.isArray(tags) && { tags: tags.map(String) }),
  };
}

export function readHeld({ until, reason }: Record<string, unknown>): Held {
  return { ...(typeof until === 'string' && { until }), ...(typeof reason === 'string' && { reason }) };
}

export function readRole(value: unknown): Role | null {
  return roles.find((role) => role === value) ?? null;
}

/** Fields and values that this version does not know are left out. */
export function readRules(value: unknown): Rules {
  if (!isRecord(value)) return {};
  const { retention, data, archived, guard, quietUntil } = value;
  return {
    ...Object.fromEntries(Object.entries(known).filter(([field, values]) => values.some((one) => one === value[field])).map(([field]) => [field, value[field]])),
    ...numbersOf(value, ['editWindow', 'slowMode', 'capacity']),
    ...(isRecord(retention) ? { retention: numbersOf(retention, ['days', 'messages']) } : {}),
    ...(isRecord(data) ? { data } : {}),
    ...(isRecord(guard) && { guard: numbersOf(guard, ['newcomerMinutes', 'repeats', 'guestsPerMinute']) }),
    ...((typeof quietUntil === 'string' || quietUntil === null) && { quietUntil }),
    ...(typeof archived === 'boolean' && { archived }),
  };
}

function numbersOf<Field extends string>(value: Record<string, unknown>, fields: readonly Field[]): { [Key in Field]?: number } {
  return Object.fromEntries(fields.filter((field) => typeof value[field] === 'number').map((field) => [field, value[field]])) as { [Key in Field]?: number };
}

/** What a room says of the account's place in it. */
interface Place {
  muted?: Held;
  role?: Role | null;
  mine: boolean;
  rules?: Rules;
}

/** Whether the account ranks above members in the room: an administrator does, who may change a room that is not theirs. */
export function looksAfter(room: Place | null): boolean {
  return room?.mine === true || room?.role === 'owner' || room?.role === 'moderator';
}

/** Why the account cannot write in the room; null: as far as is known, it can. */
export function whyNotWrite(room: Place | null, kind: Kind): 'archived' | 'muted' | 'quiet' | 'moderators' | 'guests' | 'noGuests' | null {
  if (room?.rules?.archived) return 'archived';
  if (room?.muted) return 'muted';
  if (quietUntil(room) && !looksAfter(room)) return 'quiet';
  if (kind === 'guest' && room?.rules?.guests === 'none') return 'noGuests';
  // An owner who is not on the list yet has no role there: the server knows better.
  const isMember = room?.role === 'member' || (!room?.role && !room?.mine);
  if (room?.rules?.posting === 'moderators' && isMember) return 'moderators';
  return kind === 'guest' && (room?.rules?.guests ?? 'write') !== 'write' ? 'guests' : null;
}

/** Until when moderators alone write in the room; null: it is not kept quiet, or nobody writes there any more. */
export function quietUntil(room: { rules?: Rules } | null): string | null {
  const until = room?.rules?.quietUntil;
  return until && !room.rules!.archived && Date.parse(until) > Date.now() ? until : null;
}

/** When the account may say the next after what it said at `saidAt`, both in milliseconds since 1970; 0: it need not wait. */
export function nextAt(room: Place | null, saidAt: number): number {
  const slowMode = room?.rules?.slowMode ?? 0;
  if (slowMode === 0 || looksAfter(room)) return 0;
  return saidAt + slowMode * 1_000;
}

const rank: Record<Role, number> = { member: 1, moderator: 2, owner: 3 };
const ofAdministrators = 4;

/** Whether the reader may do something about who has this role in the room. */
export function ranksAbove(room: Place | null, role: Role): boolean {
  const own = rankIn(room);
  return own >= rank.moderator && own > rank[role];
}

/** The server names nobody's rank but by what they may do: who may change a room that is not theirs is an administrator. */
function rankIn(room: Place | null): number {
  if (room?.mine && room.role !== 'owner') return ofAdministrators;
  return rank[room?.role ?? 'member'];
}
