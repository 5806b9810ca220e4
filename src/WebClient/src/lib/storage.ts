/** What the browser keeps for this page; it may be switched off or full, so nothing may depend on it. */
export interface Kept {
  /** Null: nothing is kept under the name, or nothing at all. */
  read(name: string): string | null;
  /** Null deletes. False: it holds until the page is closed, at most. */
  write(name: string, value: string | null): boolean;
  names(): string[];
}

function keptIn(area: 'localStorage' | 'sessionStorage'): Kept {
  // Where storage is refused, as in some frames, already asking for it throws; where there is none, using it does.
  const tried = <T>(use: (storage: Storage) => T, otherwise: T): T => {
    try {
      return use(globalThis[area]);
    } catch {
      return otherwise;
    }
  };
  return {
    read: (name) => tried((storage) => storage.getItem(name), null),
    write: (name, value) =>
      tried((storage) => {
        if (value === null) storage.removeItem(name);
        else storage.setItem(name, value);
        return true;
      }, false),
    names: () => tried((storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index)!), []),
  };
}

/** Across visits, alike in all tabs. */
export const browserStorage = keptIn('localStorage');
/** Of this tab, across reloads. */
export const tabStorage = keptIn('sessionStorage');
