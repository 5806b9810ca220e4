import { call } from '../../lib/http';
import { RoomBots, type Bot } from './bots.svelte';

export const kinds = ['above', 'below', 'equals', 'changes', 'silent'] as const;
export type Kind = (typeof kinds)[number];

/** When something is said, and in which words. Which fields there are besides, the kind says. */
export interface Terms {
  name: string;
  filter: string;
  when: Kind;
  text: string;
  value?: string;
  threshold?: number;
  hysteresis?: number;
  seconds?: number;
  path?: string;
}

export interface Rule extends Bot {
  terms: Terms;
}

/** What somebody types: all fields are texts, also those of other kinds. */
export interface Typed {
  name: string;
  filter: string;
  when: Kind;
  text: string;
  value: string;
  threshold: string;
  hysteresis: string;
  minutes: string;
  path: string;
}

export function typedOf(terms: Terms | null, text: string): Typed {
  return {
    name: terms?.name ?? '',
    filter: terms?.filter ?? '',
    when: terms?.when ?? 'above',
    text: terms?.text ?? text,
    value: terms?.value ?? '',
    threshold: terms?.threshold?.toString() ?? '',
    hysteresis: terms?.hysteresis?.toString() ?? '',
    minutes: terms?.seconds === undefined ? '' : String(terms.seconds / 60),
    path: terms?.path ?? '',
  };
}

/** A decimal comma is one, too. NaN: it is no number. */
export function numberOf(text: string): number {
  const plain = text.trim().replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
}

/** Fields that cannot be taken as they are typed. */
export function wrongOf(typed: Typed): (keyof Typed)[] {
  const { when } = typed;
  const compares = when === 'above' || when === 'below';
  return [
    ...(typed.name.trim() === '' ? (['name'] as const) : []),
    ...(typed.filter.trim() === '' ? (['filter'] as const) : []),
    ...(when === 'equals' && typed.value === '' ? (['value'] as const) : []),
    ...(compares && Number.isNaN(numberOf(typed.threshold)) ? (['threshold'] as const) : []),
    ...(compares && typed.hysteresis.trim() !== '' && !(numberOf(typed.hysteresis) >= 0) ? (['hysteresis'] as const) : []),
    ...(when === 'silent' && !(numberOf(typed.minutes) > 0) ? (['minutes'] as const) : []),
    ...(typed.text.trim() === '' ? (['text'] as const) : []),
  ];
}

/** Only what the kind has. */
export function termsOf(typed: Typed): Terms {
  const { when } = typed;
  const compares = when === 'above' || when === 'below';
  return {
    name: typed.name.trim(),
    filter: typed.filter.trim(),
    when,
    text: typed.text.trim(),
    ...(when === 'equals' ? { value: typed.value } : {}),
    ...(compares ? { threshold: numberOf(typed.threshold) } : {}),
    ...(compares && typed.hysteresis.trim() !== '' ? { hysteresis: numberOf(typed.hysteresis) } : {}),
    ...(when === 'silent' ? { seconds: Math.round(numberOf(typed.minutes) * 60) } : {}),
    ...(when !== 'silent' && typed.path.trim() !== '' ? { path: typed.path.trim() } : {}),
  };
}

/** What a rule would say; null: nothing that is kept would make it speak. */
export interface Would {
  text: string | null;
  topic: string | null;
  value: string | null;
  /** There are more values than a test looks at. */
  partial?: boolean;
}

/** The rules of one room: when what its devices say is said in it. */
export class RoomRules extends RoomBots<Rule> {
  /** Of the rule that was tested last. */
  would = $state.raw<(Would & { id: string }) | null>(null);

  constructor(room: string) {
    super(room, 'rules');
  }

  /** A new one, or other terms of one that is there. Answers whether it is done. */
  save(rule: Rule | null, terms: Terms, element?: HTMLFormElement): Promise<boolean> {
    return this.sent(() => (rule === null ? call('POST', this.path, terms) : call('PUT', this.of(rule), terms)), element);
  }

  /** Nothing is said. */
  async test(rule: Rule): Promise<void> {
    this.would = null;
    const answer = await this.act.send(() => call<Would>('POST', `${this.of(rule)}/test`));
    if (answer?.ok) this.would = { ...answer.value, id: rule.id };
  }

  override begin(): void {
    super.begin();
    this.would = null;
  }
}
