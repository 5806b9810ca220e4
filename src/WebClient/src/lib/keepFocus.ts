/**
 * For a part of the page whose controls come and go, such as a list with a button in each row. When the one that has the focus goes, the focus is
 * given to the one in its place, else to the part itself: with the page, reading and tabbing would begin at its top again.
 */
export function keepFocus(part: HTMLElement): () => void {
  let held: Element | null = null;
  let place = 0;
  const controls = () => [...part.querySelectorAll<HTMLElement>('a[href], button, input, select')];
  const hold = (event: FocusEvent) => {
    held = event.target as Element;
    place = controls().findIndex((control) => control === held);
  };
  const observer = new MutationObserver(() => {
    if (held === null || held.isConnected || document.activeElement !== document.body) return;
    const others = controls();
    const next = others[Math.min(place, others.length - 1)] ?? part;
    if (next === part) part.tabIndex = -1;
    next.focus({ preventScroll: next === part });
  });
  part.addEventListener('focusin', hold);
  observer.observe(part, { childList: true, subtree: true });
  return () => {
    part.removeEventListener('focusin', hold);
    observer.disconnect();
  };
}
