import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';
import type { RoomEvent } from './protocol';

/** Loaded with its words when something was done in a room that is looked at. */
export const actTexts = new Part(async () => (await Promise.all([import('./actTexts'), language.enter('seldom')]))[0]);

const moderation = new Set(['kick', 'ban', 'unban', 'mute', 'unmute']);

/** Whether a line of the timeline tells of it: of a role, of who was held back, and of what people understand of a room's change. */
export function isSaid({ type, target, role, title, topic, visibility, entry, guests, posting, editWindow, slowMode, capacity, retention, data, archived, guard, quietUntil }: RoomEvent): boolean {
  if (type === 'policy') return [title, topic, visibility, entry, guests, posting, editWindow, slowMode, capacity, retention, data, archived, guard, quietUntil].some((field) => field !== undefined);
  return type === 'imported' || (target !== undefined && (moderation.has(type) || (type === 'role' && role !== undefined)));
}
