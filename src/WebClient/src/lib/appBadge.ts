/** The number on the icon of the installed page. Most browsers have it only there, and some not at all. */
export function showAppBadge(count: number): void {
  const shown = count > 0 ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.();
  // Refused, for instance in a frame: the number stands in the title all the same.
  shown?.catch(() => {});
}
