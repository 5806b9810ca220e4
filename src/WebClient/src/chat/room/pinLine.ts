import { Part } from '../../lib/part.svelte';

/** Loaded where something is pinned. */
export const pinLine = new Part(() => import('./PinLine.svelte'));
