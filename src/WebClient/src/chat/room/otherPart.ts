import { Part } from '../../lib/part.svelte';

/** Another part of a log than its end: loaded when a reader first goes there. */
export const otherPart = new Part(() => import('./AroundView.svelte'));
