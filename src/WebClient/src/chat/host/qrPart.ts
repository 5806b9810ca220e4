import { Part } from '../../lib/part.svelte';

/** Loaded when somebody wants to show a link to a phone. */
export const qrDialog = new Part(() => import('./QrDialog.svelte'));
