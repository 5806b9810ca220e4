import { remembered } from './remembered';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const store = remembered('theme', themes);

class ThemeChoice {
  current = $state<Theme>(store.read() ?? 'system');

  choose(theme: Theme): void {
    this.current = theme;
    store.write(theme === 'system' ? null : theme);
    this.apply();
  }

  /**
   * Every colour is a `light-dark()` pair, so the scheme of the root element is the whole switch. `src/app/first.ts` sets it before the first paint. The bars
   * that the browser draws around the page follow the two `theme-color` elements, of which the one holds whose `media` matches.
   */
  apply(): void {
    document.documentElement.style.colorScheme = this.current === 'system' ? 'light dark' : this.current;
    for (const colour of document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]')) {
      const own = colour.dataset['scheme'] ?? '';
      colour.media = this.current === 'system' ? `(prefers-color-scheme: ${own})` : this.current === own ? 'all' : 'not all';
    }
  }
}

export const theme = new ThemeChoice();
