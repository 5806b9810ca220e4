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

  /** Every colour is a `light-dark()` pair, so the scheme of the root element is the whole switch. */
  apply(): void {
    document.documentElement.style.colorScheme = this.current === 'system' ? 'light dark' : this.current;
  }
}

export const theme = new ThemeChoice();
