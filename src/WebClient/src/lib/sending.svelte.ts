import { Setting } from './setting.svelte';

export type SendingKey = 'enter' | 'ctrlEnter';

/** Which key sends what is written; on a touch screen it is the button. */
export const sending = new Setting<SendingKey>('sends', ['enter', 'ctrlEnter']);
