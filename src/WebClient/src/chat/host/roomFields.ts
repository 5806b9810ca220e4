import { byCode, fieldText, problemText } from '../../i18n/errors';
import { t, tn } from '../../i18n/i18n.svelte';
import type { Problem } from '../../lib/http';
import type { Room } from '../model/protocol';

/** What can be changed of a room and has an effect, in the order in which it is shown. */
export const fields = ['title', 'topic', 'tags', 'visibility', 'entry', 'guests', 'posting', 'slowMode', 'capacity', 'editWindow', 'keptDays', 'newcomers', 'repeats', 'rush', 'dataRead', 'dataWrite'] as const;
export type Field = (typeof fields)[number];
export type RuleField = Exclude<Field, 'title' | 'topic' | 'tags'>;

/** In which groups. */
export const groups = { what: ['title', 'topic', 'tags'], comes: ['visibility', 'entry', 'guests', 'capacity'], writes: ['posting', 'slowMode', 'editWindow', 'keptDays'], guard: ['newcomers', 'repeats', 'rush'], devices: ['dataRead', 'dataWrite'] } as const satisfies Record<string, readonly Field[]>;

/** Minutes in which an author may edit, of which one is chosen; −1: for ever. */
const editWindows = ['-1', '5', '60', '1440', '0'] as const;
/** Seconds between two messages of one account; people at once; days; minutes that one is new, times, and guests a minute. 0: no bound. */
const numbers = { slowMode: ['0', '5', '10', '30', '60', '300', '3600'], capacity: ['0', '10', '20', '50', '100', '500'], keptDays: ['0', '1', '7', '30', '90', '365'], newcomers: ['0', '10', '60', '1440'], repeats: ['0', '2', '3', '5'], rush: ['0', '3', '10', '30'] } as const;
/** As the guard of a room calls them. */
const guards = { newcomers: 'newcomerMinutes', repeats: 'repeats', rush: 'guestsPerMinute' } as const;
const whose = ['members', 'moderators', 'tokens'] as const;

const options: Record<RuleField, readonly string[]> = {
  visibility: ['public', 'private'],
  entry: ['open', 'request', 'invite'],
  guests: ['write', 'read', 'none'],
  posting: ['everyone', 'moderators'],
  editWindow: editWindows,
  ...numbers,
  dataRead: whose,
  dataWrite: whose,
};

export function isRule(field: Field): field is RuleField {
  return field !== 'title' && field !== 'topic' && field !== 'tags';
}

/** How it is now, as text; where the server has not said, as it is in a new room. */
export function valueOf(room: Room, field: Field): string {
  const { rules } = room;
  switch (field) {
    case 'title':
    case 'topic':
    case 'visibility':
      return room[field];
    case 'tags':
      return (room.tags ?? []).join(', ');
    case 'entry':
      return rules?.entry ?? 'open';
    case 'guests':
      return rules?.guests ?? 'write';
    case 'posting':
      return rules?.posting ?? 'everyone';
    case 'editWindow':
      return String(rules?.editWindow ?? -1);
    case 'slowMode':
    case 'capacity':
      return String(rules?.[field] ?? 0);
    case 'keptDays':
      return String(rules?.retention?.days ?? 0);
    case 'newcomers':
    case 'repeats':
    case 'rush':
      return String(rules?.guard?.[guards[field]] ?? 0);
    case 'dataRead':
      return dataRule(rules?.data?.['read'], 'members');
    case 'dataWrite':
      return dataRule(rules?.data?.['write'], 'moderators');
  }
}

/** What there is to choose; a value that another program has given it stands there, too. */
export function optionsOf(room: Room, field: RuleField): readonly string[] {
  const value = valueOf(room, field);
  return options[field].includes(value) ? options[field] : [value, ...options[field]];
}

/** What the room is told: the body of a command `policy`. */
export function changeOf(field: Field, value: string): Record<string, unknown> {
  if (field === 'editWindow' || field === 'slowMode' || field === 'capacity') return { [field]: Number(value) };
  if (field === 'tags') return { tags: value.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '') };
  if (field === 'keptDays') return { retention: { days: Number(value) } };
  if (field === 'newcomers' || field === 'repeats' || field === 'rush') return { guard: { [guards[field]]: Number(value) } };
  if (field === 'dataRead') return { data: { read: value } };
  if (field === 'dataWrite') return { data: { write: value } };
  return { [field]: value };
}

/** Whether it has an effect in this room: into a private one nobody comes who is not invited. */
export function matters(room: Room, field: Field): boolean {
  return field !== 'entry' || room.visibility === 'public';
}

/** What people see of it, in a sentence. */
export function sentenceOf(field: RuleField, value: string): string {
  if (field === 'editWindow') return windowText(Number(value));
  if (field === 'slowMode') return slowText(Number(value));
  if (field === 'newcomers') return newcomersText(Number(value));
  if (field === 'capacity' || field === 'keptDays' || field === 'repeats' || field === 'rush') return value === '0' ? t(`host.${field}.off`) : tn(`host.${field}`, Number(value));
  const key = `host.${field}.${value}`;
  return t(key as 'host.guests.read');
}

/** What is to be known before it is chosen; null: the sentence says all. */
export function warningOf(room: Room, field: Field, value: string): string | null {
  if (value === valueOf(room, field)) return null;
  if (field === 'keptDays') return value !== '0' && (valueOf(room, field) === '0' || Number(value) < Number(valueOf(room, field))) ? t('host.warn.kept') : null;
  if (field === 'visibility' && value === 'public' && valueOf(room, 'entry') === 'open') return t('host.warn.opens');
  if (field === 'visibility' && value === 'private') return t('host.warn.private');
  if (field === 'entry' && value === 'open') return t('host.warn.opens');
  return field === 'guests' && value === 'none' ? t('host.warn.noGuests') : null;
}

/** Why the server did not take it, in words that stand at the field. */
export function refusalText(room: Room, field: Field, value: string, problem: Problem): string {
  const ofField = fieldText(problem.fields, field) ?? fieldText(problem.fields, field in guards ? 'guard' : field.startsWith('data') ? 'data' : field);
  if (ofField !== null) return ofField;
  if (problem.code === 'not_allowed') return t(field === 'visibility' && value === 'public' && room.role !== 'owner' ? 'host.refused.opens' : 'host.refused.rank');
  return byCode(problem.retryAfter ? null : problem.code) ?? problemText(problem);
}

function dataRule(value: unknown, otherwise: (typeof whose)[number]): string {
  return whose.find((one) => one === value) ?? otherwise;
}

function slowText(seconds: number): string {
  if (seconds === 0) return t('host.slowMode.off');
  return seconds % 60 === 0 ? tn('host.slowMode.minutes', seconds / 60) : tn('host.slowMode.seconds', seconds);
}

function newcomersText(minutes: number): string {
  if (minutes === 0) return t('host.newcomers.off');
  return minutes % 60 === 0 ? tn('host.newcomers.hours', minutes / 60) : tn('host.newcomers.minutes', minutes);
}

function windowText(minutes: number): string {
  if (minutes < 0) return t('host.editWindow.ever');
  if (minutes === 0) return t('host.editWindow.never');
  if (minutes % 1440 === 0) return tn('host.editWindow.days', minutes / 1440);
  return minutes % 60 === 0 ? tn('host.editWindow.hours', minutes / 60) : tn('host.editWindow.minutes', minutes);
}
