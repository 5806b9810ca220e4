import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** One file, with its words: loaded when somebody wants to see a room's devices. */
const load = async () => (await Promise.all([import('./devicesParts'), language.enter('seldom')]))[0];

export const devicesPane = new Part(async () => ({ default: (await load()).DevicesPane }));
export const shownTile = new Part(async () => ({ default: (await load()).ShownTile }));
