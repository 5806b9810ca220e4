import { t, tn } from '../../i18n/i18n.svelte';
import type { RoomEvent } from '../model/protocol';

/** Whether a line of the timeline tells of it: of a role, and of what people understand of a room's change. */
export function isSaid(event: RoomEvent): boolean {
  return isRole(event) || isPolicy(event);
}

/** One sentence for each thing that was done. */
export function actText(event: RoomEvent): string {
  const by = event.from.name;
  if (isRole(event)) {
    const { target, role } = event;
    if (role === 'member' && target.user === event.from.user) return t('act.steppedDown', { by });
    return t(`act.role.${role}`, { by, name: target.name });
  }
  const { title, topic, visibility } = event;
  const rules = rulesOf(event);
  return [
    ...(title === undefined ? [] : [t('act.title', { by, title })]),
    ...(topic === undefined ? [] : [t('act.topic', { by })]),
    ...(visibility === undefined ? [] : [t(`act.visibility.${visibility}`, { by })]),
    ...(rules.length === 0 ? [] : [t('act.rules', { by, rules: rules.join(', ') })]),
  ].join(' · ');
}

function isRole(event: RoomEvent): event is RoomEvent & Required<Pick<RoomEvent, 'target' | 'role'>> {
  return event.type === 'role' && event.target !== undefined && event.role !== undefined;
}

function isPolicy(event: RoomEvent): boolean {
  const { type, title, topic, visibility, entry, guests, posting, editWindow, data } = event;
  return type === 'policy' && [title, topic, visibility, entry, guests, posting, editWindow, data].some((field) => field !== undefined);
}

function rulesOf({ entry, guests, posting, editWindow, data }: RoomEvent): string[] {
  return [
    ...(posting === undefined ? [] : [t(`act.posting.${posting}`)]),
    ...(guests === undefined ? [] : [t(`act.guests.${guests}`)]),
    // Nobody can be asked for entry yet.
    ...(entry === undefined ? [] : [t(entry === 'open' ? 'act.entry.open' : 'act.entry.invite')]),
    ...(editWindow === undefined ? [] : [editableFor(editWindow)]),
    ...(data === undefined ? [] : [t('act.data')]),
  ];
}

function editableFor(minutes: number): string {
  if (minutes < 0) return t('act.editWindow.ever');
  return minutes === 0 ? t('act.editWindow.never') : tn('act.editWindow', minutes);
}
