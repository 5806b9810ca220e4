import { Setting } from './setting.svelte';

const root = () => document.documentElement;

/** Per cent of the size that the browser is set to. `src/app/first.ts` sets it before the first paint, and the density. */
export const textSize = new Setting('textSize', ['100', '87', '112', '125', '150'], (percent) => {
  root().style.fontSize = percent === '100' ? '' : `${percent}%`;
});

/** Cosy: bubbles. Compact: a row for each message, for busy rooms. */
export const density = new Setting('density', ['cosy', 'compact'], (chosen) => {
  if (chosen === 'cosy') delete root().dataset['density'];
  else root().dataset['density'] = chosen;
});

/** Who comes and goes is told in the talk, or in the list of people alone. */
export const comings = new Setting('comings', ['shown', 'hidden']);
