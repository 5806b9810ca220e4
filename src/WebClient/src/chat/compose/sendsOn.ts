export type KeyPress = Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey' | 'repeat'>;

/** A key that an input method has taken for itself; `keyCode` is deprecated, and nothing else says so in Safari. */
const takenByInputMethod = 229;

/**
 * Whether a key pressed in the composer sends what is written. Enter does, and on a touch screen, whose keyboard has no Shift+Enter, begins a
 * new line. Ctrl+Enter and ⌘+Enter send everywhere: a touch screen may have a keyboard beside it.
 */
export function sendsOn(press: KeyPress, coarse: boolean): boolean {
  if (press.key !== 'Enter' || press.shiftKey || press.altKey || press.repeat) return false;
  // While an input method composes a character, Enter picks it. Safari ends the composition before it tells of the key (WebKit bug 165004).
  if (press.isComposing || press.keyCode === takenByInputMethod) return false;
  return !coarse || press.ctrlKey || press.metaKey;
}
