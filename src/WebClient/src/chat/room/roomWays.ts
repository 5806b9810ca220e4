import { Part } from '../../lib/part.svelte';

/** Loaded in the first room that can be left, or that a device can be connected to: a guest's lobby, where everybody begins, is neither. */
export const roomWays = new Part(() => import('./RoomWays.svelte'));
