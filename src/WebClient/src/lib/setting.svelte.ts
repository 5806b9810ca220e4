import { remembered } from './remembered';

/** What a person may choose of how the page looks and behaves. Kept in this browser, and with the account (`session/accountSettings.ts`). */
export interface Kept {
  readonly name: string;
  /** Null: as it usually is. */
  readonly chosen: string | null;
  /** What another tab, or another device of the account, has chosen. Nothing of the kind is as it usually is. */
  take(value: string | null): void;
}

const kept = new Map<string, Kept>();
let tell: (name: string, value: string) => void = () => undefined;

/** All of them, as far as the page has come to need them. */
export function settings(): Kept[] {
  return [...kept.values()];
}

/** Who hears what the person chooses in this tab. */
export function onChoice(hear: typeof tell): void {
  tell = hear;
}

export function keep(one: Kept): void {
  kept.set(one.name, one);
}

export function chose(name: string, value: string): void {
  tell(name, value);
}

/** One of a few values, the first of which is the usual one. */
export class Setting<T extends string> implements Kept {
  current: T;
  readonly name: string;
  readonly values: readonly [T, ...T[]];
  readonly #store: ReturnType<typeof remembered<T>>;
  readonly #apply: (value: T) => void;

  constructor(name: string, values: readonly [T, ...T[]], apply: (value: T) => void = () => undefined) {
    this.name = name;
    this.values = values;
    this.#store = remembered(name, values);
    this.#apply = apply;
    this.current = $state(this.#store.read() ?? values[0]);
    keep(this);
  }

  get chosen(): T | null {
    return this.current === this.values[0] ? null : this.current;
  }

  choose(value: T): void {
    this.take(value);
    chose(this.name, value);
  }

  take(value: string | null): void {
    this.current = this.values.find((one) => one === value) ?? this.values[0];
    this.#store.write(this.chosen);
    this.apply();
  }

  apply(): void {
    this.#apply(this.current);
  }
}

/** Each tab looks as the one looks in which something was chosen last. */
globalThis.addEventListener?.('storage', ({ key, storageArea, newValue }: StorageEvent) => {
  const one = kept.get(key?.replace(/^webmessenger\./, '') ?? '');
  if (one && storageArea === globalThis.localStorage && newValue !== one.chosen) one.take(newValue);
});
