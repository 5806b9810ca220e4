import { Part } from '../../lib/part.svelte';

/** Loaded in the first private room of one's own. */
export const addMember = new Part(() => import('./AddMember.svelte'));
