import { Part } from '../lib/part.svelte';
import { preload } from './preload';

/** What the door does without. */
export const chatPart = new Part(() => import('../chat'), { reloads: true });
export const accountPart = new Part(() => import('../account/AccountPage.svelte'));

let fetching = false;

/** Somebody stands at the door and will come in: the browser fetches what is behind it when it has nothing better to do. */
export function atDoor(): void {
  if (fetching) return;
  fetching = true;
  whenIdle(() => {
    preload('chat');
    preload('link');
  });
}

/** Safari has no idle callbacks. */
export function whenIdle(action: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(action, { timeout: 4_000 });
  else setTimeout(action, 1_000);
}
