import { t } from '../../i18n/i18n.svelte';
import { FormState } from '../../lib/form.svelte';
import { call, type Problem } from '../../lib/http';
import { hasNoAccount, type Author } from '../model/protocol';
import type { Role } from '../model/rules';
import type { PeopledRoom } from './people.svelte';

/** What is done to a person in a room, and asked about first: put out, or given a role. */
export type PersonAct = 'remove' | Role;

/** What the server will let the reader do to somebody in a room, as far as this page knows: it has the last word. */
export function actsOn(person: Author, room: PeopledRoom | null, me: string): PersonAct[] {
  if (room?.phase !== 'ready' || person.user === me || hasNoAccount(person)) return [];
  const role = room.roles.of(person.user);
  const keeps = room.room?.mine === true;
  const gives = keeps && person.kind !== 'guest' && role !== 'owner';
  const removes = keeps || (room.room?.role === 'moderator' && role === 'member');
  return [...(gives ? [role === 'member' ? ('moderator' as const) : ('member' as const), 'owner' as const] : []), ...(removes ? ['remove' as const] : [])];
}

/** The words of the button. */
export function wordsOf(act: PersonAct): string {
  return act === 'remove' ? t('person.remove') : t(`person.give.${act}.do`);
}

/** What is asked before it is done, and what it means. */
export function questionOf(act: PersonAct, person: Author, room: PeopledRoom): { question: string; hint: string } {
  const names = { name: person.name, room: room.title };
  if (act === 'remove') return { question: t('person.removeQuestion', names), hint: t(`person.removeHint.${hintOf(room)}`) };
  return { question: t(`person.give.${act}.question`, names), hint: t(`person.give.${act}.hint`) };
}

/** One act at a time, and what the server had against it. */
export class PersonActs {
  readonly form = new FormState();
  /** What the reader is asked about. */
  asks = $state.raw<{ act: PersonAct; person: Author } | null>(null);
  readonly #room: PeopledRoom | null;

  constructor(room: PeopledRoom | null) {
    this.#room = room;
  }

  get problem(): Problem | null {
    const { problem } = this.form;
    return problem?.code === 'no_such_member' ? { ...problem, code: 'no_such_target' } : problem;
  }

  ask(act: PersonAct, person: Author): void {
    this.form.problem = null;
    this.asks = { act, person };
  }

  leave(): void {
    this.form.problem = null;
    this.asks = null;
  }

  /** Does what was asked about. Answers whether it is done. */
  async confirm(): Promise<boolean> {
    if (!this.#room || !this.asks) return false;
    const { act, person } = this.asks;
    const path = `/api/rooms/${this.#room.id}`;
    const answer = await this.form.send(() =>
      act === 'remove' ? call('DELETE', `${path}/members/${encodeURIComponent(person.user)}`) : call('POST', `${path}/events`, { type: 'role', user: person.user, role: act }),
    );
    if (!answer?.ok) return false;
    if (act !== 'remove') this.#room.roles.given(person.user, act);
    this.asks = null;
    return true;
  }
}

/** A public room that not everybody enters is come back into like a private one. */
function hintOf({ room }: PeopledRoom): 'public' | 'private' {
  return room?.visibility === 'private' || (room?.rules?.entry ?? 'open') !== 'open' ? 'private' : 'public';
}
