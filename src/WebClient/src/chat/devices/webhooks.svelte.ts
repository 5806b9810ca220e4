import { call } from '../../lib/http';
import { RoomBots, type Bot } from './bots.svelte';

/** An address elsewhere that is told what is said in the room. */
export interface Webhook extends Bot {
  name: string;
  url: string;
  /** Not switched off for having taken nothing. */
  on: boolean;
  /** The number in the room's log up to which it was told. */
  seq: number;
}

/** What became of a test; `why`: a code of the server's, empty if it was taken. */
export interface Tested {
  taken: boolean;
  why: string;
}

interface Made {
  id: string;
  secret: string;
}

/** As the server bounds it (docs/protocol.md). */
export const longestUrl = 2_000;

/** Null: it is none. */
const parsed = (text: string) => (URL.canParse(text) ? new URL(text) : null);

/** Whether the server may take it: to which networks it leads, it says itself. */
export function isWebhookUrl(text: string): boolean {
  const url = parsed(text.trim());
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && text.trim().length <= longestUrl;
}

/** For the list, which others may see over a shoulder: many programs take whoever knows all of such an address for its owner. */
export function withoutSecrets(text: string): string {
  const url = parsed(text);
  if (url === null) return '…';
  const [first = '', ...rest] = url.pathname.slice(1).split('/');
  const shown = first.length >= 16 ? `${first.slice(0, 3)}…` : first;
  return `${url.origin}/${shown}${rest.length > 0 ? '/…' : ''}${url.search === '' ? '' : '?…'}`;
}

/** The webhooks of one room. */
export class RoomWebhooks extends RoomBots<Webhook> {
  /** What its POSTs are signed with, which the server says this once. */
  secret = $state<string | null>(null);
  /** Of the webhook that was tested last. */
  tested = $state.raw<(Tested & { id: string }) | null>(null);

  constructor(room: string) {
    super(room, 'webhooks');
  }

  async make(name: string, url: string, element?: HTMLFormElement): Promise<void> {
    await this.sent(() => call<Made>('POST', this.path, { name: name.trim(), url: url.trim() }), element, ({ secret }) => (this.secret = secret));
  }

  /** It is told again, from where it was left off, by the right of who asks. */
  async switchOn(webhook: Webhook): Promise<void> {
    this.tested = null;
    await this.act.send(() => call('POST', `${this.of(webhook)}/on`));
    await this.list.read();
  }

  /** Something that nobody said is posted to it. */
  async test(webhook: Webhook): Promise<void> {
    this.tested = null;
    const answer = await this.act.send(() => call<Tested>('POST', `${this.of(webhook)}/test`));
    if (answer?.ok) this.tested = { ...answer.value, id: webhook.id };
    await this.list.read();
  }

  override begin(): void {
    super.begin();
    this.secret = this.tested = null;
  }
}
