/** Milliseconds for which a finger rests on a message before it means more than that; no longer than the browser's own. */
const restsFor = 450;
/** CSS pixels that a resting finger trembles by. */
const trembles = 10;
/** CSS pixels that a finger goes to the side before it means it. */
const swipes = 64;

export interface Touching {
  /** A finger rests on it. */
  onrest: () => void;
  /** A finger went over it to the right. */
  onswipe: () => void;
}

/** What fingers do with a message. Where they pan or select instead, the browser takes them, and says so. */
export function touching({ onrest, onswipe }: Touching): (element: HTMLElement) => () => void {
  return (element) => {
    let start: { x: number; y: number } | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let rested = false;

    const end = () => {
      clearTimeout(timer);
      start = null;
      element.style.translate = '';
    };
    const down = (event: PointerEvent) => {
      end();
      // The finger that rested is gone, and what this one presses is pressed. A second one tells nothing of the first.
      if (event.isPrimary) rested = false;
      // A link has a menu of its own, and a button is pressed.
      const pressed = (event.target as Element).closest('a, button');
      // What is held says who put it there: of a reaction, the same sheet does.
      if (event.pointerType !== 'touch' || !event.isPrimary || (pressed && !pressed.closest('[data-held]'))) return;
      start = { x: event.clientX, y: event.clientY };
      timer = setTimeout(() => {
        end();
        rested = true;
        onrest();
      }, restsFor);
    };
    const move = (event: PointerEvent) => {
      if (!start) return;
      const [right, down] = [event.clientX - start.x, Math.abs(event.clientY - start.y)];
      if (Math.hypot(right, down) > trembles) clearTimeout(timer);
      if (down > swipes / 2) end();
      else if (right > trembles) element.style.translate = `${Math.min(right, swipes)}px`;
    };
    const up = (event: PointerEvent) => {
      const meant = start !== null && event.clientX - start.x >= swipes;
      end();
      if (meant) onswipe();
    };

    const menu = (event: Event) => {
      // The browser's own comes a little later.
      if (start !== null || rested) event.preventDefault();
    };

    const lift = (event: Event) => {
      // What has opened under the finger is not pressed by its going away.
      if (rested && event.cancelable) event.preventDefault();
    };

    const listeners = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: end, touchend: lift, contextmenu: menu } as const;
    for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener as EventListener);
    return () => {
      end();
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener as EventListener);
    };
  };
}
