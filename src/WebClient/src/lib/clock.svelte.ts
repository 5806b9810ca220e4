import { Setting } from './setting.svelte';

/** Of twelve hours or of 24; usually as the language has it. */
export const clock = new Setting('clock', ['language', 'h12', 'h23']);

/** By number as ISO 8601 has it: Monday is 1, Sunday 7; usually as the language has it. */
export const firstDay = new Setting('firstDay', ['language', '1', '6', '7']);
