import { Part } from '../../lib/part.svelte';

/** Loaded when a finger first rests on a message. */
export const messageSheet = new Part(() => import('./MessageSheet.svelte'));
