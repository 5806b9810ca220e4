import { Part } from '../../lib/part.svelte';

/** Loaded when a room that was open has gone, or does not let the reader in. */
export const roomGone = new Part(() => import('./RoomGone.svelte'));
