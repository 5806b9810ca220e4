import { isRecord } from '../../lib/http';
import type { Kind } from '../../lib/kind';
import { readLevel, type Level } from './level';
import { readNamed, type Named } from './naming';
import { readRole, readRules, readStanding, type Role, type Rules, type Standing } from './rules';

export interface Author {
  user: string;
  name: string;
  kind: Kind;
}

/** A hook or a rule of the room: it has a name of its own, and no account that could be written to, have a role, or be put out. */
export function hasNoAccount({ user, kind }: Author): boolean {
  return kind === 'bot' && /^(hook|rule)-/.test(user);
}

/** An emoji on a message: how many put it there, of them the first, and whether this account is one. */
export interface Reaction {
  emoji: string;
  count: number;
  users: readonly Author[];
  mine: boolean;
}

/** What a message answers, as the server had it when it wrote the message out. */
export interface Quote {
  user: string;
  text: string;
}

/** One entry of a room's log. Types that this version does not know are kept for their seq and not drawn. */
export interface RoomEvent extends Named, Rules {
  type: string;
  room: string;
  seq: number;
  epoch: string;
  id: string | null;
  at: string;
  from: Author;
  text: string;
  /** The seq of the event that it answers. */
  replyTo: number | null;
  /** Of a message that answers another. */
  quote?: Quote;
  /** Of a message: the text is what its author does, as `/me` has it. */
  action?: true;
  /** Of what a hook says: what its caller calls itself. */
  via?: string;
  /** Of a message that was deleted: by whom. */
  by?: Author;
  /** The seq of the event that this one changes: an edit, a deletion, a reaction. */
  of: number | null;
  /** Of a reaction. */
  emoji: string;
  /** Of a reaction: it is taken back. */
  off?: true;
  /** Of an edit: a later one, or a deletion, has taken its text. */
  over?: true;
  /** Of a message in a page of history: which event changed its text last, and when. */
  edited?: { seq: number; at: string };
  /** Of a message in a page of history: who had reacted by the page's head, and that head. */
  reactions?: readonly Reaction[];
  asOf?: number;
  /** Of a join or leave in a rush: who else came or went in the same second. */
  others?: readonly Author[];
  /** How many more, whom it does not name. */
  more?: number;
  /** Of a role that was given: to whom, and which. Of who was put out, kept out or muted: who. */
  target?: Author;
  role?: Role;
  /** Until when, and why, if everybody may know it. */
  until?: string;
  reason?: string;
  /** Of a change of the room: what it has of the name and the topic; of the rules, what was changed. */
  title?: string;
  topic?: string;
}

/** What the account knew of this room or inbox does not count any more; what is kept follows. */
export interface Reset {
  epoch: string;
  head: number;
  first: number;
}

/** How far the account has read, on whichever device; `unread`: what others have said since. */
export interface Reading {
  seq: number;
  epoch: string;
  unread: number;
  /** How many of these name or answer the account. */
  mentions?: number;
}

/** How much is unread in a room that the account is in. */
export interface RoomUnread extends Reading {
  room: string;
  /** The newest seq, up to which it was counted. */
  head: number;
}

/** Left by the account's own act on some device, removed by somebody else, or deleted with all that was said in it. */
export type Gone = 'left' | 'removed' | 'deleted';

export interface Unread {
  /** This and the other parts name every room that the account is in. */
  all: boolean;
  part: number;
  parts: number;
  /** A room alone is one whose numbers the server cannot tell at the moment. */
  rooms: (RoomUnread | { room: string; gone: Gone } | { room: string })[];
}

export interface HistoryPage {
  epoch: string;
  head: number;
  /** The oldest seq that the server keeps. */
  first: number;
  events: RoomEvent[];
}

export interface Room extends Standing {
  id: string;
  title: string;
  topic: string;
  visibility: 'public' | 'private';
  people: number;
  /** On the room's list. */
  member: boolean;
  /** This account may change it: it made it, or is an administrator. */
  mine: boolean;
  /** Null: none, or the server has not said, as an earlier version of the page. */
  role?: Role | null;
  rules?: Rules;
  /** The newest seq; 0 for whoever is not a member. */
  head: number;
  /** Null: the server does not say. */
  reading: Reading | null;
  /** What of it the account wants to be called for, where it is a member. */
  notify?: Level;
}

/** Somebody asks the account into a room. Of a private one no more is told before it is accepted. */
export interface Invitation {
  room: string;
  title: string;
  visibility: 'public' | 'private';
  by: Author;
}

/** One of a room's list, whether here or not. */
export interface Member extends Author {
  role: Role;
}

export interface Present extends Author {
  since: string;
}

/** Who is in a room: one part of the list, or what has changed since the number before. */
export interface People {
  n: number;
  /** Accounts present. More than `here` names in all parts: a crowd, of whom only some are named. */
  count: number;
  list: { part: number; parts: number; here: Present[] } | null;
  came: Present[];
  gone: string[];
}

export interface Notice {
  code: string;
  text: string;
  topic: string | null;
}

/** MQTT 5: quota exceeded. The server cannot take it at the moment; every other refusal is for good. */
export const notNow = 0x97;
/** The server's name for it when the account has stored as much as it may in a day: then nothing more is taken for a while, whatever it is. */
export const overQuota = 'quota';
/** MQTT 5: not authorized. The room is not open to this account. */
export const notAllowed = 0x87;
/** The most that the server takes in one message, in Unicode scalar values. */
export const textLength = 4000;

export function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

export function readEvent(value: unknown): RoomEvent | null {
  if (!isRecord(value) || typeof value['seq'] !== 'number' || typeof value['type'] !== 'string' || typeof value['epoch'] !== 'string') return null;
  const from = readAuthor(value['from']);
  if (from === null) return null;
  return {
    type: value['type'],
    room: String(value['room'] ?? ''),
    seq: value['seq'],
    epoch: value['epoch'],
    id: typeof value['id'] === 'string' ? value['id'] : null,
    at: typeof value['at'] === 'string' ? value['at'] : '',
    from,
    text: typeof value['text'] === 'string' ? value['text'] : '',
    replyTo: typeof value['replyTo'] === 'number' ? value['replyTo'] : null,
    of: typeof value['of'] === 'number' ? value['of'] : null,
    emoji: typeof value['emoji'] === 'string' ? value['emoji'] : '',
    ...(value['type'] === 'reaction' && value['on'] === false ? { off: true as const } : {}),
    ...(value['type'] === 'edit' ? readNamed(value) : {}),
    ...(value['type'] === 'edit' && typeof value['text'] !== 'string' ? { over: true as const } : {}),
    ...(value['type'] === 'message' ? { ...readSaid(value), ...readState(value), ...readNamed(value) } : {}),
    ...(value['type'] === 'removed' ? readBy(value['by']) : {}),
    ...(Array.isArray(value['others']) ? { others: value['others'].map(readAuthor).filter((author) => author !== null) } : {}),
    ...(typeof value['more'] === 'number' ? { more: value['more'] } : {}),
    ...(value['target'] ? readTarget(value) : readChange(value)),
  };
}

function readSaid({ quote, action, via }: Record<string, unknown>): Pick<RoomEvent, 'quote' | 'action' | 'via'> {
  const isQuote = isRecord(quote) && typeof quote['user'] === 'string' && typeof quote['text'] === 'string';
  return {
    ...(isQuote ? { quote: { user: String(quote['user']), text: String(quote['text']) } } : {}),
    ...(action === true ? { action: true as const } : {}),
    ...(typeof via === 'string' ? { via } : {}),
  };
}

/** What later events had done to a message when its page was read. */
function readState({ edited, reactions, asOf }: Record<string, unknown>): Pick<RoomEvent, 'edited' | 'reactions' | 'asOf'> {
  return {
    ...(isRecord(edited) && typeof edited['seq'] === 'number' && typeof edited['at'] === 'string' ? { edited: { seq: edited['seq'], at: edited['at'] } } : {}),
    ...(Array.isArray(reactions) ? { reactions: reactions.map(readReaction).filter((one) => one !== null) } : {}),
    // Never the server's word: this page keeps it with its copies.
    ...(typeof asOf === 'number' ? { asOf } : {}),
  };
}

function readReaction(value: unknown): Reaction | null {
  if (!isRecord(value) || typeof value['emoji'] !== 'string' || !Array.isArray(value['users'])) return null;
  const users = value['users'].map(readAuthor).filter((author) => author !== null);
  const count = Math.max(users.length, Number(value['count'] ?? 0) || 0);
  return count > 0 ? { emoji: value['emoji'], count, users, mine: value['mine'] === true } : null;
}

function readBy(value: unknown): Pick<RoomEvent, 'by'> {
  const by = readAuthor(value);
  return by ? { by } : {};
}

function readTarget({ target: given, role: named, until, reason }: Record<string, unknown>): Pick<RoomEvent, 'target' | 'role' | 'until' | 'reason'> {
  const [target, role] = [readAuthor(given), readRole(named)];
  return target ? { target, ...(role && { role }), ...(typeof until === 'string' && { until }), ...(typeof reason === 'string' && { reason }) } : {};
}

function readChange(value: Record<string, unknown>): Rules & Pick<RoomEvent, 'title' | 'topic'> {
  const { title, topic } = value;
  return { ...(typeof title === 'string' ? { title } : {}), ...(typeof topic === 'string' ? { topic } : {}), ...readRules(value) };
}

export function readReset(value: unknown): Reset | null {
  if (!isRecord(value) || value['type'] !== 'reset' || typeof value['epoch'] !== 'string') return null;
  return { epoch: value['epoch'], head: Number(value['head'] ?? 0), first: Number(value['first'] ?? 0) };
}

/** As it comes by MQTT, and as the answer to a PUT. */
export function readReading(value: unknown): Reading | null {
  if (!isRecord(value)) return null;
  const { seq, epoch, unread, mentions } = value;
  if (typeof seq !== 'number' || typeof epoch !== 'string') return null;
  return { seq, epoch, unread: typeof unread === 'number' ? unread : 0, ...(typeof mentions === 'number' ? { mentions } : {}) };
}

/** What the account's own bots say counts as well: the page is another client, and shows it as somebody else's. */
export function readUnread(value: unknown): Unread | null {
  if (!isRecord(value) || value['type'] !== 'unread' || !Array.isArray(value['rooms'])) return null;
  const rooms = value['rooms'].flatMap((entry): Unread['rooms'] => {
    if (!isRecord(entry) || typeof entry['room'] !== 'string') return [];
    const gone = entry['gone'];
    if (gone === 'left' || gone === 'removed' || gone === 'deleted') return [{ room: entry['room'], gone }];
    const reading = readReading(entry);
    if (!reading) return [{ room: entry['room'] }];
    return [{ ...reading, room: entry['room'], head: Number(entry['head'] ?? 0), unread: reading.unread + Number(entry['bots'] ?? 0) }];
  });
  return { all: value['all'] === true, part: Number(value['part'] ?? 1), parts: Number(value['parts'] ?? 1), rooms };
}

/** Whether an event is news to this page's reader. A bot that has the reader's own account is another client. */
export function isNews(me: string, event: RoomEvent): boolean {
  return event.type === 'message' && (event.from.user !== me || event.from.kind === 'bot');
}

/** Whether somebody else has changed their words just now. */
export function isOthersEdit(me: string, { type, from, over }: RoomEvent): boolean {
  return type === 'edit' && !over && (from.user !== me || from.kind === 'bot');
}

/** The room after an event of the type `policy`. */
export function changedBy(room: Room, event: Omit<RoomEvent, 'type' | 'from'>): Room {
  const { title = room.title, topic = room.topic, visibility = room.visibility } = event;
  const rules = readRules(event);
  // An event has what was changed of it alone.
  if (rules.data) rules.data = { ...room.rules?.data, ...rules.data };
  if (rules.retention) rules.retention = { ...room.rules?.retention, ...rules.retention };
  if (rules.guard) rules.guard = { ...room.rules?.guard, ...rules.guard };
  return { ...room, title, topic, visibility, rules: { ...room.rules, ...rules } };
}

export function readPage(value: unknown): HistoryPage | null {
  if (!isRecord(value) || !Array.isArray(value['events'])) return null;
  const head = Number(value['head'] ?? 0);
  const events = value['events'].map(readEvent).filter((event) => event !== null);
  // A copy of an earlier visit has no head: what its messages are as of, they say themselves.
  if (head > 0) for (const event of events) if (event.type === 'message') event.asOf = head;
  return { epoch: String(value['epoch'] ?? ''), head, first: Number(value['first'] ?? 1), events };
}

export function readRoom(value: unknown): Room | null {
  // The retained info topic names the room `room`, the HTTP API `id`.
  const id = isRecord(value) ? (value['id'] ?? value['room']) : undefined;
  if (!isRecord(value) || typeof id !== 'string') return null;
  const notify = readLevel(value['notify']);
  return {
    id,
    title: typeof value['title'] === 'string' && value['title'] !== '' ? value['title'] : id,
    topic: typeof value['topic'] === 'string' ? value['topic'] : '',
    visibility: value['visibility'] === 'private' ? 'private' : 'public',
    people: typeof value['people'] === 'number' ? value['people'] : 0,
    member: value['member'] === true,
    mine: value['mine'] === true,
    role: readRole(value['role']),
    ...readStanding(value),
    ...(isRecord(value['policy']) ? { rules: readRules(value['policy']) } : {}),
    head: typeof value['head'] === 'number' ? value['head'] : 0,
    reading: isRecord(value['read']) ? readReading({ ...value['read'], unread: value['unread'], mentions: value['mentions'] }) : null,
    ...(notify ? { notify } : {}),
  };
}

export function readInvitation(value: unknown): Invitation | null {
  if (!isRecord(value) || typeof value['room'] !== 'string') return null;
  const by = readAuthor(value['by']);
  const title = typeof value['title'] === 'string' && value['title'] !== '' ? value['title'] : value['room'];
  return by && { room: value['room'], title, visibility: value['visibility'] === 'private' ? 'private' : 'public', by };
}

export function readMember(value: unknown): Member | null {
  const author = readAuthor(value);
  return author && isRecord(value) ? { ...author, role: readRole(value['role']) ?? 'member' } : null;
}

export function readPresent(value: unknown): Present | null {
  const author = readAuthor(value);
  return author && isRecord(value) ? { ...author, since: typeof value['since'] === 'string' ? value['since'] : '' } : null;
}

export function readPeople(value: unknown): People | null {
  if (!isRecord(value) || value['type'] !== 'people' || typeof value['n'] !== 'number') return null;
  const here = value['here'];
  return {
    n: value['n'],
    count: Number(value['count'] ?? 0),
    list: Array.isArray(here) ? { part: Number(value['part'] ?? 1), parts: Number(value['parts'] ?? 1), here: readAll(here) } : null,
    came: readAll(value['came']),
    gone: Array.isArray(value['gone']) ? value['gone'].filter((user) => typeof user === 'string') : [],
  };
}

function readAll(value: unknown): Present[] {
  return Array.isArray(value) ? value.map(readPresent).filter((person) => person !== null) : [];
}

export function readNotice(value: unknown): Notice | null {
  if (!isRecord(value) || value['type'] !== 'notice') return null;
  return {
    code: String(value['code'] ?? ''),
    text: typeof value['text'] === 'string' ? value['text'] : '',
    topic: typeof value['topic'] === 'string' ? value['topic'] : null,
  };
}

/** What somebody said to the reader alone. */
export type Whisper = RoomEvent & { type: 'whisper' };

export function readWhisper(value: unknown): Whisper | null {
  const event = readEvent(value);
  return event?.type === 'whisper' ? { ...event, type: 'whisper' } : null;
}

export function readAuthor(value: unknown): Author | null {
  if (!isRecord(value) || typeof value['user'] !== 'string') return null;
  const kind = value['kind'];
  return {
    user: value['user'],
    name: typeof value['name'] === 'string' && value['name'] !== '' ? value['name'] : value['user'],
    kind: kind === 'guest' || kind === 'bot' ? kind : 'person',
  };
}
