import type { Kind } from '../../lib/kind';
import { t } from '../../i18n/i18n.svelte';
import type { Copy } from '../../store/store';
import { talkWith } from '../../routes/routes';
import type { Link } from '../link/link';
import type { Message } from '../model/merge';
import type { Author, RoomEvent } from '../model/protocol';
import type { Conversation } from '../model/told';
import { actionsBetween, mayEdit, type Action } from '../room/may';
import { OpenLog, type LogReader, type Words } from '../room/openLog.svelte';

/** What is left of it where the other's account was erased. */
const afterEnd: ReadonlySet<Action> = new Set<Action>(['copy', 'link', 'save', 'remove']);

/** The two who talk: the reader, and the one that the list, or what was said, tells of. */
class Two {
  #met = $state.raw<Author | null>(null);
  readonly #user: string;
  readonly #listed: () => Conversation | null;
  readonly #elsewhere: () => Author | null;
  readonly list = $derived.by(() => [this.other]);

  constructor(user: string, listed: () => Conversation | null, elsewhere: () => Author | null) {
    [this.#user, this.#listed, this.#elsewhere] = [user, listed, elsewhere];
  }

  get other(): Author & { gone?: boolean } {
    return this.#listed() ?? this.#met ?? this.#elsewhere() ?? { user: this.#user, name: this.#user, kind: 'person' };
  }

  /** The list, what was said, or a room that is open tells of them: there is somebody of that name. */
  get isKnown(): boolean {
    return this.#listed() !== null || this.#met !== null || this.#elsewhere() !== null;
  }

  nameOf(user: string): string | null {
    return user === this.#user ? this.other.name : null;
  }

  /** The address with @ stands above all that is said. */
  isAmbiguous(): boolean {
    return false;
  }

  met(author: Author): void {
    if (author.user !== this.#user) return;
    // What a bot of theirs says, they say.
    const kind = author.kind === 'bot' ? 'person' : author.kind;
    if (this.#met?.name !== author.name || this.#met.kind !== kind) this.#met = { ...author, kind };
  }
}

/** What this account and one other say to each other, opened in this visit. It is heard with all that comes to the account; what lies further back is read. */
export class TalkState extends OpenLog {
  readonly people: Two;
  readonly peopled = null;
  readonly #listed: () => Conversation | null;

  /** `listed`: what the list has of it now. `elsewhere`: how the other is known before anything was said here. */
  constructor(user: string, reader: LogReader, listed: () => Conversation | null, copy: Promise<Copy | null>, elsewhere: () => Author | null = () => null) {
    super({ id: user, topic: `users/${user}`, path: `/api/conversations/${encodeURIComponent(user)}`, address: talkWith(user) }, reader, copy);
    this.people = new Two(user, listed, elsewhere);
    this.#listed = listed;
  }

  get title(): string {
    return this.people.other.name;
  }

  /** The other, as far as is known. */
  get other(): Author & { gone?: boolean } {
    return this.people.other;
  }

  /** There is somebody of that name, as far as this page knows: the server tells nobody who exists. */
  get isKnown(): boolean {
    const isBegun = this.log.version >= 0 && !!this.log.timeline.epoch;
    return isBegun || this.id === this.user.me || this.people.isKnown;
  }

  get words(): Words {
    const { title: name, id: user } = this;
    const mine = user === this.user.me;
    const whoReads = this.isKnown ? t('talk.read', { name }) : t('talk.perhaps', { user });
    return {
      messages: t('talk.messages', { name }),
      around: t('talk.messages', { name }),
      earlier: mine ? t('around.hereMine') : t('around.hereTalk'),
      beginning: mine ? t('talk.mine') : t('talk.beginning', { name }),
      empty: mine ? t('talk.mine') : t('talk.empty', { name }),
      emptyHint: mine ? t('talk.readMine') : whoReads,
      placeholder: mine ? t('talk.placeholderMine') : t('talk.placeholder', { name }),
    };
  }

  actionsFor(message: Message): Action[] {
    const all = actionsBetween(message, this.user.me);
    return this.whyNotWrite() === null ? all : all.filter((action) => afterEnd.has(action));
  }

  whyNotWrite(_kind?: Kind): 'gone' | null {
    return this.other.gone ? 'gone' : null;
  }

  isPinned(): boolean {
    return false;
  }

  pin(): void {}

  /** Something was said or done in it. */
  receive(event: RoomEvent): void {
    const { timeline, seen } = this.log;
    // The first words of the two: before them there was no log to read.
    if (timeline.epoch === '' && event.seq === 1) {
      this.log.addNewer({ epoch: event.epoch, head: 0, first: 1, events: [] });
      seen.readUpTo(0, event.epoch);
    }
    this.take(event);
  }

  /** Where nobody of that name may be, the server would refuse that too: who writes is told once, with what they say. */
  override sayTyping(): void {
    if (this.isKnown) super.sayTyping();
  }

  /** The other writes. */
  heardTyping(): void {
    if (!this.ignored.has(this.id)) this.typing.heard(this.id);
  }

  protected get head(): number {
    return this.#listed()?.head ?? 0;
  }

  protected mayEdit(message: Message): boolean {
    return this.whyNotWrite() === null && mayEdit(message, this.user.me, undefined, Date.now());
  }

  protected async open(link: Link, step: symbol): Promise<void> {
    const [isAhead] = await Promise.all([this.history.takenAhead(), this.known]);
    if (this.link !== link) return;
    const page = isAhead ? 'done' : await this.history.catchUp();
    if (this.link !== link) return;
    if (page === 'refused' && this.phase === 'joining') this.log.phase = 'failed';
    if (page === 'done' && !isAhead) await this.history.reachUnread();
    if (this.link !== link) return;
    this.end(step);
    if (page === 'failed' && this.phase === 'ready') this.readMissed();
    else this.fillGap();
  }
}
