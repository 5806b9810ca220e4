/** A small value kept across visits. Storage may be switched off or full: then it is kept for this visit only. */
export function remembered<T extends string>(key: string, allowed: readonly T[]): { read(): T | null; write(value: T | null): void } {
  const name = `webmessenger.${key}`;
  return {
    read() {
      try {
        const value = localStorage.getItem(name);
        return allowed.find((option) => option === value) ?? null;
      } catch {
        return null;
      }
    },
    write(value) {
      try {
        if (value === null) localStorage.removeItem(name);
        else localStorage.setItem(name, value);
      } catch {
        // Nothing to do: the choice holds until the page is closed.
      }
    },
  };
}
