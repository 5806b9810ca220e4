import { remembered } from './remembered';
import { Setting } from './setting.svelte';

const hours = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20', '21', '22', '23'] as const;

/** Whether there is something to hear when somebody wants the reader. */
export const sounds = new Setting('sounds', ['on', 'off']);

/** From this hour of the device's clock on nobody is called, until the other one. */
export const quietFrom = new Setting('quietFrom', ['off', ...hours]);
export const quietUntil = new Setting('quietUntil', ['7', ...hours.filter((hour) => hour !== '7')]);

export function isQuietAt(time: Date): boolean {
  if (quietFrom.current === 'off') return false;
  const [from, until, hour] = [Number(quietFrom.current), Number(quietUntil.current), time.getHours()];
  return from <= until ? hour >= from && hour < until : hour >= from || hour < until;
}

/** Whether this browser lets the page call its reader over the desktop. Asked for when somebody first wants them, never before. */
class Desktop {
  readonly #waved = remembered('calls.waved', ['yes']);
  /** Unable: the browser has none, or not on this address. */
  state = $state<NotificationPermission | 'unable'>(stateNow());
  /** The reader was asked by the page, and does not want it. */
  isWaved = $state(this.#waved.read() === 'yes');

  async ask(): Promise<void> {
    this.state = this.state === 'unable' ? 'unable' : await Notification.requestPermission();
    if (this.state === 'default') this.wave();
  }

  wave(): void {
    this.isWaved = true;
    this.#waved.write('yes');
  }
}

/** On a phone a service worker shows them, which has been there since the first visit. */
function stateNow(): NotificationPermission | 'unable' {
  if (globalThis.matchMedia?.('(pointer: coarse)').matches && !('serviceWorker' in navigator)) return 'unable';
  return typeof Notification === 'function' && globalThis.isSecureContext ? Notification.permission : 'unable';
}

export const desktop = new Desktop();
