import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when somebody wants to know about a room, or to look after it, with its words. */
export const roomPanel = new Part(async () => (await Promise.all([import('./RoomPanel.svelte'), language.enter('seldom')]))[0]);

/** The same of the question of who leaves a room. */
export const leaveDialog = new Part(async () => (await Promise.all([import('./LeaveDialog.svelte'), language.enter('seldom')]))[0]);
