import { Setting } from './setting.svelte';

/**
 * Every colour is a `light-dark()` pair, so the scheme of the root element is the whole switch. `src/app/first.ts` sets it before the first paint. The bars
 * that the browser draws around the page follow the two `theme-color` elements, of which the one holds whose `media` matches.
 */
export const theme = new Setting('theme', ['system', 'light', 'dark'], (chosen) => {
  document.documentElement.style.colorScheme = chosen === 'system' ? 'light dark' : chosen;
  for (const colour of document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]')) {
    const own = colour.dataset['scheme'] ?? '';
    colour.media = chosen === 'system' ? `(prefers-color-scheme: ${own})` : chosen === own ? 'all' : 'not all';
  }
});
