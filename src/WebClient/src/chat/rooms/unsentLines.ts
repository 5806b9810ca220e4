import { Part } from '../../lib/part.svelte';

/** Loaded when something waits to be sent. */
export const unsentLines = new Part(() => import('./Unsent.svelte'));
