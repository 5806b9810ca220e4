/** For a form that takes the place of what was pressed: its first field has the focus, else the button that does nothing. */
export function arriveIn(form: HTMLFormElement): void {
  form.querySelector<HTMLElement>('select, input, button[type="button"]')?.focus();
}
