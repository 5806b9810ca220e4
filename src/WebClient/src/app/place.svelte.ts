import { tabStorage } from '../lib/storage';
import { isChat, lobby, routeOf } from '../routes/routes';

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
    tabStorage.write(key, kept === null ? null : JSON.stringify(kept));
  }
}

function read(): Kept | null {
  try {
    const kept = JSON.parse(tabStorage.read(key) ?? 'null') as Partial<Kept> | null;
    return kept && typeof kept.account === 'string' && typeof kept.path === 'string' && isChat(routeOf(kept.path)) ? { account: kept.account, path: kept.path } : null;
  } catch {
    return null;
  }
}

export const place = new Place();
