import { language, t } from '../../i18n/i18n.svelte';
import { FormState } from '../../lib/form.svelte';
import { call, type Problem } from '../../lib/http';
import { hasNoAccount, type Author } from '../model/protocol';
import type { Role } from '../model/rules';
import type { HeldBack } from './heldBack.svelte';
import type { PeopledRoom } from './people.svelte';

/** What is done to a person in a room, and asked about first: put out, held back, or given a role. */
export type PersonAct = 'remove' | 'ban' | 'mute' | 'unmute' | Role;

/** Minutes for which somebody is held back; 0: until somebody lifts it. */
export const spans = ['10', '60', '1440', '10080', '0'] as const;
/** Minutes in which what somebody said goes with who is put out; 0: nothing goes. */
export const sinces = ['0', '10', '60', '1440'] as const;
const moderation: ReadonlySet<PersonAct> = new Set(['remove', 'ban', 'mute', 'unmute']);

/** How long that is, in words. */
export function spanText(minutes: string): string {
  const known = spans.find((span) => span === minutes);
  if (known) return t(`person.for.${known}`);
  const [unit, length] = ([['week', 10_080], ['day', 1_440], ['hour', 60], ['minute', 1]] as const).find(([, length]) => Number(minutes) % length === 0)!;
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit, unitDisplay: 'long' }).format(Number(minutes) / length);
}

/** What the server will let the reader do to somebody in a room, as far as this page knows: it has the last word. */
export function actsOn(person: Author, room: PeopledRoom | null, me: string, held: HeldBack | null): PersonAct[] {
  if (room?.phase !== 'ready' || person.user === me || hasNoAccount(person)) return [];
  const role = room.roles.of(person.user);
  const keeps = room.room?.mine === true;
  const gives = keeps && person.kind !== 'guest' && role !== 'owner';
  const removes = keeps || (room.room?.role === 'moderator' && role === 'member');
  const holds = held?.mutes(person.user) ? ('unmute' as const) : ('mute' as const);
  return [...(gives ? [role === 'member' ? ('moderator' as const) : ('member' as const), 'owner' as const] : []), ...(removes ? [holds, 'remove' as const, 'ban' as const] : [])];
}

/** The words of the button. */
export function wordsOf(act: PersonAct): string {
  return isModeration(act) ? t(`person.${act}`) : t(`person.give.${act}.do`);
}

/** It takes something away, and can be given a reason. */
export function isHard(act: PersonAct): act is 'remove' | 'ban' | 'mute' {
  return act === 'remove' || act === 'ban' || act === 'mute';
}

/** Who it is done to is in the room no more. */
export function putsOut(act: PersonAct): act is 'remove' | 'ban' {
  return act === 'remove' || act === 'ban';
}

/** What is asked before it is done, and what it means. */
export function questionOf(act: PersonAct, person: Author, room: PeopledRoom): { question: string; hint: string } {
  const names = { name: person.name, room: room.title };
  if (act === 'remove') return { question: t('person.removeQuestion', names), hint: t(`person.removeHint.${hintOf(room)}`) };
  if (isModeration(act)) return { question: t(`person.${act}Question`, names), hint: t(`person.${act}Hint`) };
  return { question: t(`person.give.${act}.question`, names), hint: t(`person.give.${act}.hint`) };
}

/** One act at a time, and what the server had against it. */
export class PersonActs {
  readonly form = new FormState();
  /** What the reader is asked about. */
  asks = $state.raw<{ act: PersonAct; person: Author } | null>(null);
  /** One of `spans`, or what was typed. */
  minutes = $state<string>('60');
  /** One of `sinces`. */
  deleteSince = $state<string>('0');
  reason = $state('');
  isPublic = $state(false);
  #isTyped = false;
  readonly #room: PeopledRoom | null;
  readonly #held: HeldBack | null;

  constructor(room: PeopledRoom | null, held: HeldBack | null) {
    this.#room = room;
    this.#held = held;
  }

  get problem(): Problem | null {
    const { problem } = this.form;
    return problem?.code === 'no_such_member' ? { ...problem, code: 'no_such_target' } : problem;
  }

  /** `typed`: by a command, with what was said in it; its minutes are null where it was not said for how long. */
  ask(act: PersonAct, person: Author, typed: { minutes: number | null; reason: string } | null = null): void {
    this.form.problem = null;
    this.#isTyped = typed !== null;
    [this.minutes, this.deleteSince, this.reason, this.isPublic] = [String(typed?.minutes ?? 60), '0', typed?.reason ?? '', false];
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
    const room = this.#room;
    const answer = await this.form.send(() => this.#send(`/api/rooms/${room.id}`, act, person.user));
    if (!answer?.ok) return false;
    if (isModeration(act)) void this.#held?.read();
    else room.roles.given(person.user, act);
    this.asks = null;
    return true;
  }

  #send(path: string, act: PersonAct, user: string) {
    const reason = this.reason.trim();
    // Who is put out without a word may come again at once, where everybody may.
    // Whether a typed name is a member's, the server tells to who kicks, and not to who takes an invitation back by this call.
    const deletes = putsOut(act) && this.deleteSince !== '0';
    if (act === 'remove' && reason === '' && !deletes && !this.#isTyped) return call('DELETE', `${path}/members/${encodeURIComponent(user)}`);
    if (!isModeration(act)) return call('POST', `${path}/events`, { type: 'role', user, role: act });
    return call('POST', `${path}/events`, {
      type: act === 'remove' ? 'kick' : act,
      user,
      ...(act === 'ban' || act === 'mute' ? { minutes: Number(this.minutes) } : {}),
      ...(deletes ? { deleteSince: Number(this.deleteSince) } : {}),
      ...(isHard(act) && reason !== '' ? { reason, public: this.isPublic } : {}),
    });
  }
}

function isModeration(act: PersonAct): act is 'remove' | 'ban' | 'mute' | 'unmute' {
  return moderation.has(act);
}

/** A public room that not everybody enters is come back into like a private one. */
function hintOf({ room }: PeopledRoom): 'public' | 'private' {
  return room?.visibility === 'private' || (room?.rules?.entry ?? 'open') !== 'open' ? 'private' : 'public';
}
