import { Part } from '../../lib/part.svelte';

/** Loaded when the first card is opened. */
export const cards = new Part(() => import('./PersonCard.svelte'));
