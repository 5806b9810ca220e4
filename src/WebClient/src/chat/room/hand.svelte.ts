import { SvelteSet } from 'svelte/reactivity';
import { problemText } from '../../i18n/errors';
import { t } from '../../i18n/i18n.svelte';
import { Copying } from '../../lib/copying.svelte';
import { onHost } from '../../lib/base';
import { router } from '../../lib/router.svelte';
import { talkWith } from '../../routes/routes';
import { call, isRecord } from '../../lib/http';
import type { ServerPorts } from '../../account/shellLines';
import type { Message } from '../model/merge';
import type { Author } from '../model/protocol';
import type { MessageRow } from './fold';
import type { Action } from './may';
import type { OpenLog } from './openLog.svelte';
import type { Quoted } from './quoted';

/** What the reader's hand is at in one timeline: one message at a time has its bar, its question, its picker. */
export class Hand {
  /** The row that the mouse is over, by its key. */
  over = $state<string | null>(null);
  /** The row that the keyboard is in. */
  focused = $state<string | null>(null);
  /** The row that the arrows walk on from: Tab comes back to it. */
  current = $state.raw<{ key: string; order: number } | null>(null);
  /** The row whose deletion is asked about. */
  asks = $state<string | null>(null);
  /** The message whose actions are shown over the page, as on a touch screen. */
  sheet = $state.raw<MessageRow | null>(null);
  /** The message that is being reported. */
  reports = $state.raw<Message | null>(null);
  /** Somebody whose card is opened by what they said. */
  moderates = $state.raw<Author | null>(null);
  /** The message that an emoji is picked for, by its seq. */
  picking = $state<number | null>(null);
  /** The row that somebody was brought to just now. */
  marked = $state<string | null>(null);
  /** Lines of people who are ignored that were looked at all the same, by the row's key. */
  readonly #unfolded = new SvelteSet<string>();
  readonly copying = new Copying();
  /** What came of saving a message, in words, for a moment. */
  said = $state<string | null>(null);

  /** The row that something was copied from last. */
  #copiedFrom: string | null = null;
  readonly #room: OpenLog;
  readonly #me: string;
  #markTimer: ReturnType<typeof setTimeout> | undefined;
  #saidTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: OpenLog, me: string) {
    this.#room = room;
    this.#me = me;
  }

  /** The row whose bar is shown: the mouse is nearer than the keyboard. */
  get active(): string | null {
    return this.over ?? this.focused;
  }

  /** It is not shown, since the reader ignores who said it. */
  hides({ key, message }: MessageRow): boolean {
    return !message.deleted && this.#room.peopled !== null && this.#room.ignored.has(message.from.user) && !this.#unfolded.has(key);
  }

  /** The same of what one answers. */
  hidesQuote({ key }: MessageRow, quote: Quoted): boolean {
    return quote.text !== null && quote.from !== null && this.#room.peopled !== null && this.#room.ignored.has(quote.from.user) && !this.#unfolded.has(quoteIn(key));
  }

  unfoldQuote({ key }: MessageRow): void {
    this.#unfolded.add(quoteIn(key));
  }

  unfold(key: string): void {
    this.#unfolded.add(key);
  }

  act(action: Action, row: MessageRow): void {
    const { message } = row;
    const { seq, from } = message;
    this.sheet = null;
    if (action === 'react') this.picking = seq;
    else if (action === 'reply') this.#room.composing.answer(seq);
    else if (action === 'edit') this.#room.composing.change(seq);
    else if (action === 'remove') this.asks = row.key;
    else if (action === 'report') this.reports = message;
    else if (action === 'moderate') this.moderates = from;
    else if (action === 'pin') this.#room.pin(seq);
    else if (action === 'whisper') router.go(talkWith(from.user));
    else if (action === 'unread') this.#markUnread(row.message);
    else if (action === 'save') void this.#save(seq);
    else void this.#copy(action, row);
  }

  isSaved(seq: number): boolean {
    return this.#room.mine?.isSaved(this.#room.topic, seq) ?? false;
  }

  /** What was copied of this message a moment ago. */
  copiedIn({ key }: MessageRow): string | null {
    return this.copying.copied !== null && this.#copiedFrom === key ? this.copying.copied : null;
  }

  /** An emoji was picked. */
  pick(emoji: string): void {
    const seq = this.picking;
    this.picking = null;
    if (seq !== null) this.react(seq, emoji, true);
  }

  /** One of the emoji that are offered with a message: pressed again, it is taken back. */
  turn({ message }: MessageRow, emoji: string): void {
    this.sheet = null;
    this.react(message.seq, emoji, !message.reactions.some((one) => one.emoji === emoji && one.mine));
  }

  react(seq: number, emoji: string, on: boolean): void {
    this.#room.act({ command: 'reaction', of: seq, emoji, on });
  }

  remove(seq: number): void {
    this.asks = null;
    this.#room.act({ command: 'delete', of: seq });
  }

  /** For a moment, so that the eye finds it. */
  mark(key: string): void {
    clearTimeout(this.#markTimer);
    this.marked = key;
    this.#markTimer = setTimeout(() => (this.marked = null), 2_000);
  }

  stop(): void {
    clearTimeout(this.#markTimer);
    clearTimeout(this.#saidTimer);
  }

  async #copy(what: 'copy' | 'link' | 'shell', { key, message }: MessageRow): Promise<void> {
    this.said = null;
    this.#copiedFrom = key;
    const text = what === 'copy' ? message.text : what === 'link' ? this.#linkTo(message.seq) : await this.#shell(message.text);
    if (text === null) this.copying.outcome = 'notCopied';
    else await this.copying.copy(text, what);
    this.#sayFor();
  }

  /** From this message on. */
  #markUnread({ seq, epoch }: Message): void {
    this.#room.goToEnd();
    this.#room.goBack(seq - 1);
    this.#room.mine?.goBack?.(this.#room.id, seq - 1, epoch);
  }

  async #save(seq: number): Promise<void> {
    const isOn = !this.isSaved(seq);
    const answer = await this.#room.mine?.turnSaved(this.#room.topic, seq);
    if (!answer) return;
    this.copying.clear();
    this.said = answer.ok ? t(isOn ? 'saved.done' : 'saved.off') : problemText(answer.problem);
    this.#sayFor();
  }

  #sayFor(): void {
    clearTimeout(this.#saidTimer);
    this.#saidTimer = setTimeout(() => {
      this.copying.clear();
      this.said = null;
    }, 2_500);
  }

  #linkTo(seq: number): string {
    return `${location.origin}${onHost(this.#room.address)}?seq=${seq}`;
  }

  /** The line that says the same from a shell, but for the token, which the reader has. Null: what makes such lines did not come. */
  async #shell(text: string): Promise<string | null> {
    const [answer, lines] = await Promise.all([call<unknown>('GET', '/api/server'), import('../../account/shellLines').catch(() => null)]);
    const unknown: ServerPorts = { mqtt: null, mqtts: null, websocket: '/mqtt' };
    const ports = answer.ok && isRecord(answer.value) ? ({ ...unknown, ...answer.value } as ServerPorts) : unknown;
    return lines && lines.shellLines(ports, location, onHost(ports.websocket), this.#me, 'TOKEN', this.#room.topic, text).say;
  }
}

function quoteIn(key: string): string {
  return `quote ${key}`;
}
