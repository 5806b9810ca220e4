import type { SendingKey } from '../../lib/sending.svelte';

export type KeyPress = Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey' | 'repeat'>;

/** A key that an input method has taken for itself; `keyCode` is deprecated, and nothing else says so in Safari. */
const takenByInputMethod = 229;

/**
 * Whether a key pressed in the composer sends what is written. Enter does, if its user has not chosen Ctrl+Enter; on a touch screen, whose keyboard has no
 * Shift+Enter, it begins a new line. Ctrl+Enter and ⌘+Enter send everywhere: a touch screen may have a keyboard beside it.
 */
export function sendsOn(press: KeyPress, coarse: boolean, chosen: SendingKey): boolean {
  if (press.key !== 'Enter' || press.shiftKey || press.altKey || press.repeat || isComposed(press)) return false;
  return (!coarse && chosen === 'enter') || press.ctrlKey || press.metaKey;
}

/** While an input method composes a character, its keys pick it. Safari ends the composition before it tells of the key (WebKit bug 165004). */
export function isComposed(press: KeyPress): boolean {
  return press.isComposing || press.keyCode === takenByInputMethod;
}

/** Held down, Enter repeats: it neither sends nor begins new lines. */
export function isHeldEnter(press: KeyPress, coarse: boolean, chosen: SendingKey): boolean {
  return press.key === 'Enter' && press.repeat && !press.isComposing && !coarse && !press.shiftKey && chosen === 'enter';
}

/** This key and nothing else. */
export function isPlain(press: KeyPress, key: string): boolean {
  return press.key === key && !press.isComposing && !press.shiftKey && !press.ctrlKey && !press.altKey && !press.metaKey;
}
