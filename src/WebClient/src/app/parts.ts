import { language, type FurtherTexts } from '../i18n/i18n.svelte';
import { Part } from '../lib/part.svelte';
import { preload } from './preload';

/** What the door does without. */
export const chatPart = new Part(() => inWords(import('../chat'), 'inside'), { reloads: true });
export const accountPart = new Part(() => inWords(import('../account/AccountPage.svelte'), 'inside', 'account'));

let fetching = false;

/** Somebody stands at the door and will come in: the browser fetches what is behind it when it has nothing better to do. */
export function atDoor(): void {
  if (fetching) return;
  fetching = true;
  whenIdle(() => {
    preload(`${language.current}.inside`);
    preload('chat');
    preload('link');
  });
}

/** Behind the door there is more to be said. */
async function inWords<T>(part: Promise<T>, ...texts: FurtherTexts[]): Promise<T> {
  return (await Promise.all([part, ...texts.map((text) => language.enter(text))]))[0];
}

/** Safari has no idle callbacks. */
export function whenIdle(action: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(action, { timeout: 4_000 });
  else setTimeout(action, 1_000);
}
