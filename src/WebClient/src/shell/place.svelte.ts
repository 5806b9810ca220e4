import { isChat, lobby, routeOf } from './routes';

const key = 'webmessenger.place';

interface Kept {
  account: string;
  path: string;
}

/** Where in the chat this tab was last, for the way back from the account pages. It survives a reload, and belongs to one account. */
class Place {
  #kept = $state.raw<Kept | null>(read());

  of(account: string): string {
    return this.#kept?.account === account ? this.#kept.path : lobby;
  }

  stay(account: string, path: string): void {
    this.#write({ account, path });
  }

  forget(): void {
    this.#write(null);
  }

  #write(kept: Kept | null): void {
    this.#kept = kept;
    try {
      if (kept === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, JSON.stringify(kept));
    } catch {
      // Storage is switched off: it holds until the page is loaded anew.
    }
  }
}

function read(): Kept | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Partial<Kept> | null;
    return kept && typeof kept.account === 'string' && typeof kept.path === 'string' && isChat(routeOf(kept.path)) ? { account: kept.account, path: kept.path } : null;
  } catch {
    return null;
  }
}

export const place = new Place();
