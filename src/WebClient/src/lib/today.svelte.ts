/** The local day: midnight of today, in milliseconds since 1970. Changes overnight, so that "Today" becomes "Yesterday" while the page lies open. */
class Today {
  start = $state(midnight());

  constructor() {
    if (typeof document === 'undefined') return;
    this.#wait();
    // Timers stand still while a computer sleeps.
    document.addEventListener('visibilitychange', () => this.look());
  }

  look(): void {
    this.start = midnight();
  }

  #wait(): void {
    const now = new Date();
    const tomorrow = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    setTimeout(() => {
      this.look();
      this.#wait();
    }, tomorrow.getTime() - now.getTime() + 50);
  }
}

function midnight(): number {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
}

export const today = new Today();
