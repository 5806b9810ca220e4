let first = true;

/** For the heading of a page: after a change of route, reading and tabbing go on from there. The first page is left to the browser. */
export function arrive(heading: HTMLElement): void {
  if (!first) heading.focus({ preventScroll: true });
  first = false;
}
