import { randomId } from '../../lib/randomId';
import type { Published, Refused } from '../link/link';
import { notAllowed, notNow, overQuota } from '../model/protocol';
import type { Act, Store, Waiting } from '../../store/store';

/** A message of ours that this page does not know to be in the log yet. */
export interface Line extends Waiting {
  /** Its place on disk; null while it is on its way there, or when nothing can be kept. */
  order: number | null;
  state: 'waiting' | 'sent' | 'failed';
  /** Where the log has it, once the server has said so: the line is shown until that event is. */
  logged: { seq: number; epoch: string } | null;
}

/** What the outbox needs of a connection. */
export interface Sending {
  publish(topic: string, payload: string): Promise<Published>;
}

type Refusal = NonNullable<Waiting['refusal']>;
type Word = { account: string; changed: true } | { account: string; id: string; logged: Line['logged'] };

/** The server's name for it when the message that something is done with was deleted. */
const removed = 'removed';
/** How often a message is tried that the server cannot take right now, as far apart as it says, or a second and then more, before its author is asked. */
const attempts = 10;
/** Milliseconds: however long the server says, a clock or a proxy of its own must not keep a line for days. */
const longestPause = 15 * 60_000;
/** The server knows ids for seven days. What is older than this might be stored a second time, so its author is asked. */
const oldestUnasked = 6 * 24 * 3600_000;
/** The tab that sends has had this long, and nothing has happened: it may be frozen. */
const patience = 5_000;

/**
 * What one account has still to say, kept on disk before it is sent and until the log has it. All tabs show it; one of them sends,
 * one message at a time for each topic, so that the log has them in the order in which they were written.
 */
export class Outbox {
  lines = $state.raw<readonly Line[]>([]);
  readonly waiting = $derived(this.lines.filter((line) => line.state === 'waiting').length);
  readonly failed = $derived(this.lines.filter((line) => line.state === 'failed').length);

  readonly #account: string;
  readonly #store: Store;
  readonly #tabs = new BroadcastChannel('webmessenger.outbox');
  readonly #busy = new Set<string>();
  /** Written in this tab: where there are no locks, the tab that wrote a message sends it. */
  readonly #own = new Set<string>();
  /** In the log, or discarded: what is still on disk for a moment is not taken for waiting again. */
  readonly #done = new Set<string>();
  /** Refusals on their way to the disk, by the line's id: what is on disk does not know of them yet. */
  readonly #refusals = new Map<string, Refusal>();
  readonly #stopping = new AbortController();
  #link: Sending | null = null;
  #holdsLock = false;
  #overdue: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | null = null;
  #readAgain = false;

  constructor(account: string, store: Store) {
    this.#account = account;
    this.#store = store;
    this.#tabs.onmessage = (event: MessageEvent<Word>) => this.#hear(event.data);
  }

  async start(): Promise<void> {
    await this.#read();
    for (const line of this.lines) {
      this.#own.add(line.id);
      if (line.state === 'waiting' && Date.now() - line.at > oldestUnasked) await this.#refuse(line.id, { code: 0, text: '' });
    }
    if (locks()) this.#askToSend(false);
    else this.#sendAll();
  }

  /** Sends nothing more. What waits stays on disk. */
  stop(): void {
    this.#stopping.abort();
    this.#holdsLock = false;
    this.#link = null;
    clearTimeout(this.#overdue);
    this.#tabs.close();
  }

  /** A connection that the server has confirmed to be this account's. */
  attach(link: Sending): void {
    this.#link = link;
    this.#sendAll();
    this.#watch();
  }

  detach(): void {
    this.#link = null;
    this.#watch();
  }

  write(topic: string, text: string, { replyTo = null, action = false, dice }: { replyTo?: number | null; action?: boolean; dice?: string | undefined } = {}): void {
    this.#queue({ account: this.#account, topic, id: randomId(), text, replyTo, ...(action && { action }), ...(dice !== undefined && { dice }), at: Date.now(), refusal: null });
  }

  /** What is done with a message waits and is sent as messages are, behind what was written before. */
  act(topic: string, act: Act): void {
    // Of what is deleted nothing else is wanted.
    if (act.command === 'delete') for (const line of this.#actsOn(topic, act.of)) if (line.state !== 'sent') void this.discard(line.id);
    this.#queue({ account: this.#account, topic, id: randomId(), text: act.command === 'edit' ? act.text : '', replyTo: null, act, at: Date.now(), refusal: null });
  }

  /** The message is gone: what was still to be done with it is not sent. The words of an edit stay with their author. */
  async gone(topic: string, of: number): Promise<void> {
    const left = this.#actsOn(topic, of).filter((line) => line.state === 'waiting');
    await Promise.all(left.map((line) => (line.act!.command === 'edit' ? this.#refuse(line.id, { code: 0x83, text: '', name: removed }) : this.discard(line.id))));
  }

  #queue(waiting: Waiting): void {
    this.#own.add(waiting.id);
    this.lines = [...this.lines, { ...waiting, order: null, state: 'waiting', logged: null }];
    void this.#keep(waiting);
  }

  async retry(id: string): Promise<void> {
    const line = this.#find(id);
    if (line?.state !== 'failed') return;
    this.#own.add(id);
    this.#refusals.delete(id);
    this.#change(id, { state: 'waiting', refusal: null, at: Date.now() });
    await this.#store.setRefusal({ ...waitingOf(line), refusal: null, at: Date.now() }, line.order);
    this.#say({ account: this.#account, changed: true });
    this.#sendAll();
  }

  /** All that was refused of this topic, in the order in which it was written. */
  async retryAll(topic: string): Promise<void> {
    // At once: the first is sent when all of them wait.
    await Promise.all(this.#failedOf(topic).map((line) => this.retry(line.id)));
  }

  async discardAll(topic: string): Promise<void> {
    await Promise.all(this.#failedOf(topic).map((line) => this.discard(line.id)));
  }

  async discard(id: string): Promise<void> {
    await this.#drop(id);
    this.#say({ account: this.#account, changed: true });
  }

  /** Nothing that waits for this topic is sent any more: its author is no longer heard there, or not today, and may take it back. */
  async giveUp(topic: string, refusal: Refusal = { code: notAllowed, text: '' }): Promise<void> {
    const waiting = this.lines.filter((line) => line.topic === topic && line.state === 'waiting');
    // Of what is lost with its room, only words are worth keeping.
    const isLost = refusal.code === notAllowed;
    // All at once: while one was being written to the disk, the next would still be sent.
    await Promise.all(waiting.map((line) => (isLost && line.act && line.text === '' ? this.discard(line.id) : this.#refuse(line.id, refusal))));
  }

  /** Its event has been seen in the log, acknowledged or not. */
  echoed(id: string): void {
    const line = this.#find(id);
    if (!line) return;
    // Acknowledged, it is no longer on disk, and the other tabs see the event for themselves.
    if (line.state === 'sent') this.lines = this.lines.filter((one) => one.id !== id);
    else void this.discard(id);
  }

  /** A reader of the topic knows the log up to here: what was acknowledged before that has been shown, or skipped with the rest. */
  reached(topic: string, epoch: string, seq: number): void {
    const isShown = (line: Line) => line.topic === topic && line.state === 'sent' && (line.logged === null || line.logged.epoch !== epoch || line.logged.seq <= seq);
    if (this.lines.some(isShown)) this.lines = this.lines.filter((line) => !isShown(line));
  }

  /** On disk first: from then on, no reload and no crash loses it. */
  async #keep(waiting: Waiting): Promise<void> {
    const order = await this.#store.add(waiting);
    this.#change(waiting.id, { order });
    // Taken back, or refused, before it was there.
    if (order !== null && this.#done.has(waiting.id)) await this.#store.remove(waiting, order);
    await this.#keepRefusal(waiting.id);
    this.#sort();
    this.#say({ account: this.#account, changed: true });
    this.#sendAll();
    this.#watch();
  }

  #hear(word: Word): void {
    if (word.account !== this.#account || !this.#store.lasting) return;
    if ('changed' in word) void this.#read().then(() => this.#sendAll());
    else this.#markSent(word.id, word.logged);
    this.#watch();
  }

  #say(word: Word): void {
    if (!this.#stopping.signal.aborted) this.#tabs.postMessage(word);
  }

  /** Takes over what is on disk, where all tabs meet. One at a time; asked again meanwhile, it reads again. */
  #read(): Promise<void> {
    this.#readAgain = true;
    this.#reading ??= (async () => {
      while (this.#readAgain) {
        this.#readAgain = false;
        const before = new Set(this.lines.filter((line) => line.order !== null && line.state !== 'sent').map((line) => line.id));
        const stored = (await this.#store.outbox(this.#account)).filter((line) => !this.#done.has(line.id));
        const onDisk = new Set(stored.map((line) => line.id));
        const kept = stored.map((line): Line => {
          const refusal = this.#refusals.get(line.id) ?? line.refusal;
          return { ...line, refusal, state: refusal ? 'failed' : 'waiting', logged: null };
        });
        // Acknowledged but not shown in the log yet, or just on its way to the disk. What was there before and is not now, another tab has settled.
        const here = this.lines.filter((line) => !onDisk.has(line.id) && (!before.has(line.id) || !this.#store.lasting));
        this.lines = [...kept, ...here];
        this.#sort();
      }
      this.#reading = null;
    })();
    return this.#reading;
  }

  /** The lock is held for as long as the tab lives; whoever waits for it next gets it when the tab is closed, or has crashed. */
  #askToSend(steal: boolean): void {
    const { signal } = this.#stopping;
    const untilStopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    const hold = async () => {
      if (signal.aborted) return;
      await this.#read();
      this.#holdsLock = true;
      clearTimeout(this.#overdue);
      this.#sendAll();
      await untilStopped;
    };
    const name = `webmessenger.outbox.${this.#account}`;
    // A lock that is stolen is not waited for, so there is nothing to abort.
    locks()?.request(name, steal ? { steal } : { signal }, hold).catch(() => {
      // Stolen by a tab that this one seemed frozen to: it waits for its turn again.
      this.#holdsLock = false;
      if (!signal.aborted) this.#askToSend(false);
    });
  }

  /** A browser may freeze the tab that sends while it is in the background. Sent twice, a message is stored once. */
  #watch(): void {
    clearTimeout(this.#overdue);
    if (this.#sends || !this.#link || this.#stopping.signal.aborted || !this.lines.some((line) => line.state === 'waiting')) return;
    this.#overdue = setTimeout(() => {
      if (document.visibilityState === 'visible') this.#askToSend(true);
      else this.#watch();
    }, patience);
  }

  #sendAll(): void {
    for (const topic of new Set(this.lines.map((line) => line.topic))) void this.#send(topic);
  }

  async #send(topic: string): Promise<void> {
    if (this.#busy.has(topic)) return;
    this.#busy.add(topic);
    let tries = 0;
    for (let line = this.#next(topic); line; line = this.#next(topic)) {
      const link = this.#link!;
      const answer = await link.publish(topic, JSON.stringify(commandOf(line)));
      if (this.#stopping.signal.aborted) break;
      if (answer === 'lost') {
        // A new link has taken its place, or none has.
        if (this.#link === link) this.#link = null;
      } else if (answer.ok) {
        tries = 0;
        await this.#acknowledged(line.id, answer.logged);
      } else if (answer.code === notNow && answer.name === overQuota) {
        // What was written behind it would be refused as well, one line after the other.
        tries = 0;
        await this.giveUp(topic, refusalOf(answer));
      } else if (answer.code === notNow && ++tries < attempts) {
        this.#say({ account: this.#account, changed: true });
        await this.#pause(answer.retry ? Math.min(longestPause, answer.retry * 1_000) : Math.min(15_000, 1_000 * 2 ** (tries - 1)));
      } else if (line.act && line.act.command !== 'edit' && answer.name === removed) {
        // Its author sees that it is gone, and has nothing to lose.
        tries = 0;
        await this.discard(line.id);
      } else {
        tries = 0;
        await this.#refuse(line.id, refusalOf(answer));
      }
    }
    this.#busy.delete(topic);
  }

  get #sends(): boolean {
    return this.#holdsLock || !locks() || !this.#store.lasting;
  }

  #next(topic: string): Line | undefined {
    if (!this.#sends || !this.#link || this.#stopping.signal.aborted) return undefined;
    return this.lines.find((line) => line.topic === topic && line.state === 'waiting' && (this.#holdsLock || this.#own.has(line.id)) && (line.order !== null || !this.#store.lasting));
  }

  async #acknowledged(id: string, logged: Line['logged']): Promise<void> {
    const line = this.#find(id);
    this.#markSent(id, logged);
    this.#say({ account: this.#account, id, logged });
    if (line) await this.#store.remove(line, line.order);
  }

  #markSent(id: string, logged: Line['logged']): void {
    this.#done.add(id);
    this.#change(id, { state: 'sent', logged, refusal: null });
  }

  async #refuse(id: string, refusal: Refusal): Promise<void> {
    // Acknowledged or taken back meanwhile, it stays that.
    if (this.#find(id)?.state !== 'waiting') return;
    this.#refusals.set(id, refusal);
    this.#change(id, { state: 'failed', refusal });
    await this.#keepRefusal(id);
    this.#say({ account: this.#account, changed: true });
  }

  /** A line that is on its way to the disk itself is asked for again once it is there. */
  async #keepRefusal(id: string): Promise<void> {
    const line = this.#find(id);
    const refusal = this.#refusals.get(id);
    if (!line || refusal === undefined) return;
    await this.#store.setRefusal({ ...waitingOf(line), refusal }, line.order);
    // Another try may have been asked for, and refused, meanwhile.
    if (line.order !== null && this.#refusals.get(id) === refusal) this.#refusals.delete(id);
  }

  async #drop(id: string): Promise<void> {
    const line = this.#find(id);
    this.#done.add(id);
    this.#refusals.delete(id);
    this.lines = this.lines.filter((line) => line.id !== id);
    if (line) await this.#store.remove(line, line.order);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#stopping.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #actsOn(topic: string, of: number): Line[] {
    return this.lines.filter((line) => line.topic === topic && line.act?.of === of);
  }

  #failedOf(topic: string): Line[] {
    return this.lines.filter((line) => line.topic === topic && line.state === 'failed');
  }

  #find(id: string): Line | undefined {
    return this.lines.find((line) => line.id === id);
  }

  #change(id: string, change: Partial<Line>): void {
    this.lines = this.lines.map((line) => (line.id === id ? { ...line, ...change } : line));
  }

  /** What is not on disk yet was written last. */
  #sort(): void {
    const place = (line: Line) => line.order ?? Number.MAX_SAFE_INTEGER;
    this.lines = this.lines.toSorted((a, b) => place(a) - place(b));
  }
}

function waitingOf({ order: _order, state: _state, logged: _logged, ...waiting }: Line): Waiting {
  return waiting;
}

function commandOf({ id, text, replyTo, action, act, dice }: Line): object {
  if (!act) return { ...(dice === undefined ? { type: 'message', text } : { type: 'roll', dice }), id, ...(replyTo === null ? {} : { replyTo }), ...(action && { action }) };
  const { command, ...rest } = act;
  return { type: command, ...rest, id };
}

function refusalOf({ code, text, name, retry }: Refused): Refusal {
  return { code, text, name, again: retry ? Date.now() + retry * 1_000 : null };
}

/** Browsers have no locks on plain http beyond localhost. */
function locks(): LockManager | undefined {
  return globalThis.navigator?.locks as LockManager | undefined;
}
