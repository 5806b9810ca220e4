/** Whether somebody has typed this name, whatever spaces stand around it and in which form its letters are written. */
export function isSameName(typed: string, name: string): boolean {
  const plain = (text: string) => text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  return plain(typed) === plain(name);
}
