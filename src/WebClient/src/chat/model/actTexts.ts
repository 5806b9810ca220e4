import { momentOf } from '../../i18n/dates';
import { t, tn } from '../../i18n/i18n.svelte';
import type { RoomEvent } from './protocol';

/** One sentence for each thing that was done, of what `isSaid`. */
export function actText(event: RoomEvent): string {
  const { type, target, role, until, reason } = event;
  const by = event.from.name;
  if (type === 'role') {
    if (role === 'member' && target?.user === event.from.user) return t('act.steppedDown', { by });
    return t(`act.role.${role!}`, { by, name: target!.name });
  }
  if (type === 'imported') return t('act.imported', { by, title: event.title ?? '' });
  if (type !== 'policy') {
    const done = t(`act.${type as 'kick'}`, { by, name: target!.name });
    return [until === undefined || type === 'kick' ? done : t('act.until', { done, time: momentOf(Date.parse(until)) }), ...(reason === undefined ? [] : [t('act.reason', { reason })])].join(' · ');
  }
  const { title, topic, visibility, archived, quietUntil } = event;
  const rules = rulesOf(event);
  return [
    ...(title === undefined ? [] : [t('act.title', { by, title })]),
    ...(topic === undefined ? [] : [t('act.topic', { by })]),
    ...(visibility === undefined ? [] : [t(`act.visibility.${visibility}`, { by })]),
    ...(quietUntil === undefined ? [] : [quietUntil === null ? t('act.quietEnd', { by }) : t('act.quiet', { by, time: momentOf(Date.parse(quietUntil)) })]),
    ...(archived === undefined ? [] : [t(archived ? 'act.archived' : 'act.opened', { by })]),
    ...(rules.length === 0 ? [] : [t('act.rules', { by, rules: rules.join(', ') })]),
  ].join(' · ');
}

function rulesOf({ entry, guests, posting, editWindow, slowMode, capacity, retention, data, guard }: RoomEvent): string[] {
  return [
    ...(posting === undefined ? [] : [t(`act.posting.${posting}`)]),
    ...(guests === undefined ? [] : [t(`act.guests.${guests}`)]),
    ...(entry === undefined ? [] : [t(`act.entry.${entry}`)]),
    ...(editWindow === undefined ? [] : [editableFor(editWindow)]),
    ...(slowMode === undefined ? [] : [t(slowMode === 0 ? 'act.slowMode.off' : 'act.slowMode', { seconds: slowMode })]),
    ...(capacity === undefined ? [] : [capacity === 0 ? t('act.capacity.off') : tn('act.capacity', capacity)]),
    ...(retention === undefined ? [] : [keptFor(retention)]),
    ...(data === undefined ? [] : [t('act.data')]),
    ...(guard === undefined ? [] : keptOff(guard)),
  ];
}

function keptOff({ newcomerMinutes, repeats, guestsPerMinute }: NonNullable<RoomEvent['guard']>): string[] {
  return [
    ...(newcomerMinutes === undefined ? [] : [newcomerMinutes === 0 ? t('act.newcomers.off') : tn('act.newcomers', newcomerMinutes)]),
    ...(repeats === undefined ? [] : [repeats === 0 ? t('act.repeats.off') : t('act.repeats', { count: repeats })]),
    ...(guestsPerMinute === undefined ? [] : [guestsPerMinute === 0 ? t('act.rush.off') : tn('act.rush', guestsPerMinute)]),
  ];
}

function editableFor(minutes: number): string {
  if (minutes < 0) return t('act.editWindow.ever');
  return minutes === 0 ? t('act.editWindow.never') : tn('act.editWindow', minutes);
}

function keptFor({ days = 0, messages = 0 }: { days?: number; messages?: number }): string {
  const bounds = [...(days > 0 ? [tn('act.retention.days', days)] : []), ...(messages > 0 ? [tn('act.retention.messages', messages)] : [])];
  return bounds.length === 0 ? t('act.retention.off') : bounds.join(', ');
}
