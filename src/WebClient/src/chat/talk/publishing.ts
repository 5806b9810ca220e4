import { call, isRecord, type Answer } from '../../lib/http';
import type { Link, Published } from '../link/link';
import { notAllowed, notNow } from '../model/protocol';
import type { Conversations } from './conversations.svelte';

/** What the server may take a moment later. */
const later: ReadonlySet<number> = new Set([0, 409, 429]);

/** Publishes over MQTT, but for what concerns a conversation whose other account was erased: there MQTT knows nobody of that name, and HTTP does. */
export class Publishing {
  readonly #link: Link;
  readonly #conversations: Pick<Conversations, 'isGone'>;

  constructor(link: Link, conversations: Pick<Conversations, 'isGone'>) {
    this.#link = link;
    this.#conversations = conversations;
  }

  subscribe(...asked: Parameters<Link['subscribe']>): ReturnType<Link['subscribe']> {
    return this.#link.subscribe(...asked);
  }

  async publish(topic: string, payload: string): Promise<Published> {
    const to = conversationOf(topic);
    if (to === null || !(await this.#conversations.isGone(to.user))) return this.#link.publish(topic, payload);
    const path = `/api/conversations/${encodeURIComponent(to.user)}`;
    const body: unknown = JSON.parse(payload);
    return published(await (to.isRead ? call<unknown>('PUT', `${path}/read`, body) : call<unknown>('POST', `${path}/events`, body)));
  }
}

/** `users/{user}`, or `users/{me}/conversations/{user}/read`. */
function conversationOf(topic: string): { user: string; isRead: boolean } | null {
  const [root, name, kind, other, what] = topic.split('/');
  if (root !== 'users' || name === undefined) return null;
  if (kind === undefined) return { user: name, isRead: false };
  return kind === 'conversations' && other !== undefined && what === 'read' ? { user: other, isRead: true } : null;
}

function published(answer: Answer<unknown>): Published {
  if (answer.ok) {
    const { seq, epoch } = isRecord(answer.value) ? answer.value : {};
    return { ok: true, logged: typeof seq === 'number' && typeof epoch === 'string' ? { seq, epoch } : null };
  }
  const { status, code, message, retryAfter } = answer.problem;
  return { ok: false, code: later.has(status) || status >= 500 ? notNow : notAllowed, text: message, name: code, retry: retryAfter };
}
