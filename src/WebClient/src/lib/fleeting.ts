/** Milliseconds: long enough for a line, and for reaching it by mouse. */
const shownFor = 6_000;

/**
 * An attachment for what goes by itself: `over` is called after six seconds in which nobody pointed at it, had the focus in it, or was away
 * from the tab. After a pause they begin anew.
 */
export function fleeting(over: () => void): (element: HTMLElement) => () => void {
  return (element) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = new AbortController();
    const { signal } = heard;
    const wait = () => {
      clearTimeout(timer);
      if (!document.hidden && !element.matches(':hover') && !element.contains(document.activeElement)) timer = setTimeout(over, shownFor);
    };
    // The focus has moved only after the event that says so.
    element.addEventListener('focusin', () => clearTimeout(timer), { signal });
    element.addEventListener('focusout', () => queueMicrotask(() => signal.aborted || wait()), { signal });
    element.addEventListener('pointerenter', () => clearTimeout(timer), { signal });
    element.addEventListener('pointerleave', wait, { signal });
    document.addEventListener('visibilitychange', wait, { signal });
    wait();
    return () => {
      heard.abort();
      clearTimeout(timer);
    };
  };
}
