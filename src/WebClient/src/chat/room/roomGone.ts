import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when a room that was open has gone, or does not let the reader in, with its words. */
export const roomGone = new Part(async () => (await Promise.all([import('./RoomGone.svelte'), language.enter('seldom')]))[0]);
