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
  /** Who reads and writes data topics. */
  data?: Record<string, unknown>;
};

export function readRole(value: unknown): Role | null {
  return roles.find((role) => role === value) ?? null;
}

/** Fields and values that this version does not know are left out. */
export function readRules(value: unknown): Rules {
  if (!isRecord(value)) return {};
  const { editWindow, slowMode, data } = value;
  return {
    ...Object.fromEntries(Object.entries(known).filter(([field, values]) => values.some((one) => one === value[field])).map(([field]) => [field, value[field]])),
    ...(typeof editWindow === 'number' ? { editWindow } : {}),
    ...(typeof slowMode === 'number' ? { slowMode } : {}),
    ...(isRecord(data) ? { data } : {}),
  };
}

/** Why the account cannot write in the room; null: as far as is known, it can. */
export function whyNotWrite(room: { role?: Role | null; mine: boolean; rules?: Rules } | null, kind: Kind): 'moderators' | 'guests' | null {
  // An owner who is not on the list yet has no role there: the server knows better.
  const isMember = room?.role === 'member' || (!room?.role && !room?.mine);
  if (room?.rules?.posting === 'moderators' && isMember) return 'moderators';
  return kind === 'guest' && (room?.rules?.guests ?? 'write') !== 'write' ? 'guests' : null;
}

/** When the account may say the next after what it said at `saidAt`, both in milliseconds since 1970; 0: it need not wait. */
export function nextAt(room: { role?: Role | null; mine: boolean; rules?: Rules } | null, saidAt: number): number {
  const slowMode = room?.rules?.slowMode ?? 0;
  if (slowMode === 0 || room?.mine || (room?.role && room.role !== 'member')) return 0;
  return saidAt + slowMode * 1_000;
}
