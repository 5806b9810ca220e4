/** What somebody has typed to be sent. What is looked for is typed again in a moment. */
const typed = 'textarea[data-typed], input[data-typed]:not([type=search], [type=checkbox], [type=radio], [role=combobox])';

/**
 * Closes the dialogs that are open, for what is about to stand there. Answers false, and closes none, where that would lose something:
 * what somebody has typed in one, or what is shown once in one that is not to be left. A drawer is a part of the page, and stays.
 */
export function makeWay(): boolean {
  const open = [...document.querySelectorAll<HTMLDialogElement>('dialog[open][aria-labelledby]')].reverse();
  const holds = (dialog: HTMLDialogElement) => [...dialog.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(typed)].some((field) => field.value !== '');

  // It is asked as Escape asks: a dialog that shows a token once says no.
  if (open.some((dialog) => holds(dialog) || !dialog.dispatchEvent(new Event('cancel', { cancelable: true })))) return false;
  for (const dialog of open) dialog.close();
  return true;
}
