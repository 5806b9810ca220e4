/** For a form, or a part of it, that takes the place of what was pressed: its first field has the focus, else the button that does nothing. */
export function arriveIn(form: HTMLElement): void {
  form.querySelector<HTMLElement>('select, input, button[type="button"]')?.focus();
}
