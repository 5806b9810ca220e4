import { language, t } from '../../i18n/i18n.svelte';
import { emojiIn } from '../../lib/emoji/emoji';
import { commandsIn } from './commands';
import { commandsFor, emojiFor, peopleFor, roomsFor, wordAt, type Option, type Word } from './completing';
import type { KeyPress } from './sendsOn';
import { isComposed } from './sendsOn';

/** Who and what can be named where something is written. */
export interface Nameable {
  people(): readonly { user: string; name: string }[];
  /** Others who read it later. They are asked for when a name is begun. */
  readonly others?: { readonly list: readonly { user: string; name: string }[]; look(): Promise<void> } | undefined;
  rooms(): readonly { id: string; title: string }[];
  /** Dice are thrown there. */
  rolls(): boolean;
  /** The writer looks after it. */
  hosts?(): boolean;
  /** Further commands, once they are known. */
  further?(query: string): readonly Option[];
  /** The writer's own. */
  name(): string;
}

/** What is offered while a name is typed. The focus stays in the text: what is chosen is told of there. */
export class Completion {
  #word = $state.raw<Word | null>(null);
  #active = $state(0);
  /** Closed by Escape: it stays so until another word is begun. */
  #closedAt: number | null = null;
  readonly #known: Nameable;

  readonly options: readonly Option[] = $derived.by(() => this.#optionsFor(this.#word));
  /** Of a name that is not begun, none is chosen: Enter sends. */
  readonly active: number = $derived(Math.min(this.#active, this.options.length - 1));

  constructor(known: Nameable) {
    this.#known = known;
  }

  get isOpen(): boolean {
    return this.options.length > 0;
  }

  /** The text or the caret has changed. */
  look(text: string, from: number, to: number): void {
    const word = from === to ? wordAt(text, to) : null;
    if (word?.from !== this.#closedAt) this.#closedAt = null;
    const shown = this.#closedAt === null ? word : null;
    if (shown?.from === this.#word?.from && shown?.query === this.#word?.query) return;
    this.#word = shown;
    this.#active = shown === null || shown.query === '' ? -1 : 0;
    if (shown?.mark === ':') emojiIn(language.current).want();
    else if (shown?.mark === '@') void this.#known.others?.look();
  }

  close(): void {
    this.#closedAt = this.#word?.from ?? null;
    this.#word = null;
  }

  forget(): void {
    this.#closedAt = null;
    this.#word = null;
  }

  choose(index: number): void {
    this.#active = index;
  }

  /** What a key does while something is offered; null: what it does elsewhere. */
  press(press: KeyPress): 'moved' | 'closed' | Option | null {
    if (!this.isOpen || isComposed(press) || press.ctrlKey || press.altKey || press.metaKey) return null;
    if (press.key === 'ArrowDown' || press.key === 'ArrowUp') return this.#move(press.key === 'ArrowDown' ? 1 : -1);
    if (press.shiftKey) return null;
    if (press.key === 'Escape') {
      this.close();
      return 'closed';
    }
    const option = this.options[this.active];
    return option && (press.key === 'Enter' || press.key === 'Tab') ? option : null;
  }

  /** Where the option goes in the text. */
  placeOf(option: Option): { from: number; to: number; insert: string } | null {
    const word = this.#word;
    return word && { from: word.from, to: word.to, insert: option.insert };
  }

  #move(by: number): 'moved' {
    const count = this.options.length;
    this.#active = this.active < 0 && by < 0 ? count - 1 : (this.active + by + count) % count;
    return 'moved';
  }

  #optionsFor(word: Word | null): readonly Option[] {
    if (word === null) return [];
    const found = this.#find(word);
    // It is written as it would be completed: Enter sends.
    return found.length === 1 && found[0]!.insert === word.mark + word.query ? [] : found;
  }

  #find({ mark, query }: Word): Option[] {
    if (mark === '@') return peopleFor(query, this.#known.people(), this.#known.others?.list);
    if (mark === '#') return roomsFor(query, this.#known.rooms());
    if (mark === '/') return [...commandsFor(query, commandsIn(this.#known.rolls(), this.#known.hosts?.()), (command) => t(`command.${command}`, { name: this.#known.name() })), ...(this.#known.further?.(query) ?? [])];
    return emojiFor(query, emojiIn(language.current).loaded ?? []);
  }
}
