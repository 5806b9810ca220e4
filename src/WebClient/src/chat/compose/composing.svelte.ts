import type { About } from '../../store/store';
import type { RoomEvent } from '../model/protocol';

/** A message of the log, as far as the composer wants to know it. */
export interface Composed {
  name: string;
  /** Its text, marks and all. */
  text: string;
  deleted: boolean;
}

/** Where it is kept what a composer is about, and the message that this is. */
export interface ComposedLog {
  /** Null: the next message. It lasts over reloads, and is the same in all tabs. */
  about(): About | null;
  turn(about: About | null): void;
  /** The life of the log; null: not known yet. */
  epoch(): string | null;
  /** The message as it is now; null: it is not here. */
  find(seq: number): Composed | null;
  /** It is not here: the server is asked for it. Null: it could not be asked. */
  read(seq: number): Promise<Composed | null>;
}

/** What the composer of one log is about, when it is not just the next message: a message that is answered, or an own one that is changed. */
export class Composing {
  /** Words that have lost their message: they go to the draft, so that nothing written is lost. `why`: the message was deleted. */
  stray = $state.raw<{ text: string; why: 'gone' | 'kept' } | null>(null);
  /** Counts how often the composer was asked for, so that it takes the focus. */
  calls = $state(0);
  readonly #log: ComposedLog;
  /** A message that is not here, as the server had it. */
  #read = $state.raw<{ seq: number; message: Composed } | null>(null);
  /** It was asked for, in vain or not. */
  #asked: number | null = null;
  /** Counts the changes: what was asked for before one may be answered as it was. */
  #changes = 0;

  constructor(log: ComposedLog) {
    this.#log = log;
  }

  /** What is answered. `name` and `text`: null where nobody knows them yet. `gone`: it was deleted meanwhile. */
  readonly reply = $derived.by(() => {
    const about = this.#log.about();
    return about?.what === 'reply' ? this.#describe(about) : null;
  });

  /** What is being changed. */
  readonly edit = $derived.by(() => {
    const about = this.#log.about();
    return about?.what === 'edit' ? this.#describe(about) : null;
  });

  /** As it is being changed. The draft lies beside it, and is there again when the change is over. */
  get text(): string {
    const about = this.#log.about();
    return (about?.what === 'edit' ? about.text : null) ?? this.edit?.text ?? '';
  }

  set text(text: string) {
    const about = this.#log.about();
    // Unchanged it is nowhere but in the log.
    if (about?.what === 'edit') this.#log.turn({ ...about, text: text === this.edit?.text ? null : text });
  }

  answer(seq: number): void {
    this.#turn({ what: 'reply', of: seq, epoch: this.#log.epoch() ?? '' });
  }

  change(seq: number): void {
    this.#turn({ what: 'edit', of: seq, epoch: this.#log.epoch() ?? '', text: null });
  }

  /** The composer is about the next message again. */
  leave(): void {
    this.#log.turn(null);
  }

  /** A message was edited or deleted: what the composer shows of it follows. */
  follow({ of, type, text, over }: RoomEvent): void {
    if (of === null) return;
    if (this.#log.about()?.of === of) this.#changes++;
    if (type === 'delete') this.gone(of);
    else if (this.#read?.seq === of && !over) this.#read = { seq: of, message: { ...this.#read.message, text } };
  }

  /** What was changed since is not told: what is known of a message that is not here is asked for anew. */
  forget(): void {
    this.#changes++;
    this.#read = null;
    this.#asked = null;
  }

  /** What the composer shows of it goes. */
  gone(seq: number): void {
    if (this.#read?.seq === seq) this.#read = { seq, message: { ...this.#read.message, text: '', deleted: true } };
    else if (this.#log.about()?.of === seq && this.#log.find(seq) === null) this.#read = { seq, message: { name: '', text: '', deleted: true } };
    this.look();
  }

  /** Whether the message is still there, which a reload does not know. Of a change whose message is gone the words are left. */
  look(): void {
    const about = this.#log.about();
    if (about === null || this.#log.epoch() === null) return;
    const known = this.#describe(about);
    if (known.name === null && !known.gone) void this.#ask(about.of);
    if (!known.gone || about.what !== 'edit') return;
    this.leave();
    if (about.text !== null && about.text.trim() !== '') this.stray = { text: about.text, why: 'gone' };
  }

  /** The connection is back: what could not be asked before can be. */
  lookAgain(): void {
    this.#asked = null;
    this.look();
  }

  /** Words that could not be sent are given back. */
  takeBack(text: string): void {
    this.leave();
    this.stray = { text, why: 'kept' };
    this.calls++;
  }

  /** What has strayed, once. */
  takeStray(): string | null {
    const text = this.stray?.text ?? null;
    this.stray = null;
    return text;
  }

  #turn(about: About): void {
    this.#asked = null;
    this.#log.turn(about);
    this.calls++;
  }

  #describe({ of, epoch }: About): { seq: number; name: string | null; text: string | null; gone: boolean } {
    const now = this.#log.epoch();
    const message = this.#log.find(of) ?? (this.#read?.seq === of ? this.#read.message : null);
    const gone = (now !== null && now !== epoch) || message?.deleted === true;
    return { seq: of, name: message?.name ?? null, text: gone ? null : (message?.text ?? null), gone };
  }

  /** Once: each line that comes would ask again. */
  async #ask(seq: number): Promise<void> {
    if (this.#asked === seq) return;
    this.#asked = seq;
    const changes = this.#changes;
    const message = await this.#log.read(seq);
    if (changes !== this.#changes) {
      this.#asked = null;
      return this.look();
    }
    if (message === null || this.#log.about()?.of !== seq) return;
    this.#read = { seq, message };
    this.look();
  }
}
