import { browserStorage } from '../../lib/storage';

const name = 'webmessenger.firstSteps';

/** The card for who has just become a server's first administrator: seen until it is put away in this browser, and found again when it is wanted. */
export class FirstSteps {
  /** Somebody has opened it again. */
  #opened = $state(false);
  #isAway = $state(browserStorage.read(name) === 'away');

  /** `administrators`, `registered`: how many there are. On a server that others use already, nobody has just begun. */
  isShown(administrators: number, registered: number): boolean {
    return this.#opened || (!this.#isAway && administrators === 1 && registered <= 3);
  }

  open(): void {
    this.#opened = true;
  }

  putAway(): void {
    this.#opened = false;
    this.#isAway = true;
    browserStorage.write(name, 'away');
  }
}
