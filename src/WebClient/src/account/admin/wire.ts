import type { Kind } from '../../lib/kind';

/** What the server says of itself (`GET /api/admin/overview`, docs/protocol.md). Times are RFC 3339, sizes bytes. */
export interface Overview {
  version: string;
  startedAt: string;
  runtime: string;
  health: readonly Finding[];
  stores: readonly { name: string; bytes: number }[];
  /** Null: the machine does not say. */
  disk?: { freeBytes: number; totalBytes: number } | null;
  connections: number;
  browsers: number;
  clientsOfDevices: number;
  accounts: { registered: number; guests: number; administrators: number };
  rooms: { public: number; private: number; archived: number };
  rates: { messagesPerSecond: number; deliveriesPerSecond: number; bytesInPerSecond: number; bytesOutPerSecond: number };
  /** Since when kicks, bans and revoked tokens may be back, after damage. */
  damagedSince?: string | null;
  /** Where there are several nodes: the one that has answered, and those that it is in touch with. */
  cluster?: { node: string; others: readonly string[] } | null;
}

/** `detail`: in the server's words. */
export interface Finding {
  name: string;
  state: 'good' | 'warn' | 'bad';
  detail: string;
}

/** `GET /api/admin/figures`: each series has a value for each step from `from` on; null: nothing was measured. */
export interface Figures {
  stepSeconds: number;
  from: string;
  series: readonly { name: string; unit: string; values: readonly (number | null)[] }[];
}

export interface AdminAccount {
  user: string;
  name: string;
  kind: Kind;
  isAdmin: boolean;
  since: string;
  lastSeen?: string | null;
  loginSessions: number;
  connections: number;
  banned: boolean;
  bannedUntil?: string | null;
  banReason?: string | null;
}

/** Of a private room the administrator reads no more than is here. */
export interface AdminRoom {
  room: string;
  title: string;
  visibility: 'public' | 'private';
  entry: string;
  owner?: string | null;
  members: number;
  present: number;
  events: number;
  bytes: number;
  since: string;
  lastActivity?: string | null;
  archived: boolean;
  /** Nobody keeps it who could be there. */
  orphaned: boolean;
}

export interface AuditEntry {
  at: string;
  by: string;
  act: string;
  target?: string | null;
  detail?: string | null;
  until?: string | null;
}

/** A setting that may change while the server runs. `from`: where its value was given. */
export interface ServerSetting {
  name: string;
  value: SettingValue;
  default: SettingValue;
  from: 'file' | 'here';
  min?: number | null;
  max?: number | null;
  unit?: string | null;
}

export type SettingValue = number | boolean | string;

/** A message that somebody has reported, as it was then; the server may have none of it. */
export interface Report {
  id: string;
  room: string;
  title: string;
  /** The administrator may read in the room. */
  mayRead: boolean;
  seq: number;
  author: { user: string; name: string };
  text: string;
  reason: string;
  /** Null: of an account that is no more. */
  from: { user: string; name: string } | null;
  at: string;
  state: 'open' | 'acted' | 'dismissed';
  decidedBy?: string | null;
  decidedAt?: string | null;
}

/** A one-time link by which somebody chooses a new password. */
export interface PasswordLinkMade {
  url: string;
  expiresAt: string;
}
