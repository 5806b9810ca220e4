import { browserStorage } from './storage';

/** A small value kept across visits; where the browser keeps nothing, for this visit only. */
export function remembered<T extends string>(key: string, allowed: readonly T[]): { read(): T | null; write(value: T | null): void } {
  const name = `webmessenger.${key}`;
  return {
    read() {
      const value = browserStorage.read(name);
      return allowed.find((option) => option === value) ?? null;
    },
    write(value) {
      browserStorage.write(name, value);
    },
  };
}
