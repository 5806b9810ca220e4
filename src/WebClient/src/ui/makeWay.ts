/**
 * Closes the dialogs that are open, for what is about to stand there. Answers false, and closes none, where that would lose something: somebody has typed in
 * one, or one is not to be left. A drawer is a part of the page, and stays.
 */
export function makeWay(): boolean {
  const open = [...document.querySelectorAll<HTMLDialogElement>('dialog[open][aria-labelledby]')].reverse();
  // It is asked as Escape asks: a dialog that shows a token once says no.
  if (open.some((dialog) => 'typed' in dialog.dataset || !dialog.dispatchEvent(new Event('cancel', { cancelable: true })))) return false;
  for (const dialog of open) dialog.close();
  return true;
}
