import { FormState } from '../../lib/form.svelte';
import { Fetched } from '../../lib/fetched.svelte';
import { call } from '../../lib/http';
import { Proof } from './proof.svelte';
import type { ServerSetting, SettingValue } from './wire';

const path = '/api/admin/settings';

export type Wrong = { code: 'number' } | { code: 'range'; min: number | null; max: number | null };

/** What is typed of a setting, as a value; or what is wrong with it. */
export function readValue(setting: ServerSetting, typed: string): SettingValue | Wrong {
  if (typeof setting.value === 'boolean') return typed === 'true';
  if (typeof setting.value === 'string') return typed.trim();
  const [text, min, max] = [typed.trim(), setting.min ?? null, setting.max ?? null];
  const value = Number(text);
  const isWhole = Number.isInteger(setting.value) && Number.isInteger(setting.default);
  if (text === '' || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) return { code: 'number' };
  return (min !== null && value < min) || (max !== null && value > max) ? { code: 'range', min, max } : value;
}

export function isWrong(read: SettingValue | Wrong): read is Wrong {
  return typeof read === 'object';
}

/** What belongs together, in the order in which it is shown; what this page does not know comes last. */
export const groups = {
  who: ['Guests:Enabled', 'Registration:Enabled'],
  says: ['TextLength', 'PublishPerSecond', 'PublishBurst', 'StoredBytesPerDayPerAccount', 'StoredBytesPerDayPerGuest', 'FreeDiskMegabytes', 'FreeDiskPercent'],
  kept: ['RetentionDaysAtMost', 'RetentionStepsPerSecond', 'NoticeDays', 'NoticesPerAccount', 'AuditDays', 'AuditPerRoom', 'SavedPerAccount'],
  accounts: ['ConnectionsPerAccount', 'DurableClientsPerAccount', 'FiltersPerClient', 'LoginSessionsPerAccount', 'TokensPerAccount', 'RoomsPerAccount', 'IgnoredPerAccount', 'WebhooksPerAccount'],
  rooms: ['PinsPerRoom', 'BansPerRoom', 'InvitesPerRoom', 'OpenInvitations', 'HooksPerRoom', 'RulesPerRoom', 'WebhooksPerRoom', 'RetainedPerRoom'],
  other: [],
} as const satisfies Record<string, readonly string[]>;
export type Group = keyof typeof groups;

/** The name without the section that most of them stand in. */
export function shortName(name: string): string {
  return name.replace(/^Limits:/, '');
}

export function groupsOf(settings: readonly ServerSetting[]): { group: Group; settings: ServerSetting[] }[] {
  const places = new Map<string, [Group, number]>();
  for (const [group, names] of Object.entries(groups) as [Group, readonly string[]][]) for (const [place, name] of names.entries()) places.set(name, [group, place]);
  const placeOf = ({ name }: ServerSetting) => places.get(shortName(name)) ?? (['other', 0] as const);
  return (Object.keys(groups) as Group[]).flatMap((group) => {
    const members = settings.filter((setting) => placeOf(setting)[0] === group).toSorted((one, other) => placeOf(one)[1] - placeOf(other)[1]);
    return members.length === 0 ? [] : [{ group, settings: members }];
  });
}

/** What is changed of the server while it runs: one setting at a time, saved by itself, and the last one may be undone. */
export class ServerSettings {
  readonly form = new FormState();
  readonly proof = new Proof();
  readonly fetched = new Fetched(() => call<{ settings: ServerSetting[] }>('GET', path));
  /** The name of the one that is being changed; null: none. */
  open = $state<string | null>(null);
  draft = $state('');
  wrong = $state.raw<Wrong | null>(null);
  /** What was saved last: how it was given before, null as in the file. */
  saved = $state.raw<{ name: string; before: SettingValue | null; isUndone: boolean } | null>(null);
  /** Which one the server's problem is about. */
  about = $state<string | null>(null);
  /** What the server wants the password for, and what was in the field then. */
  #asked: { value: SettingValue | null; draft: string } | null = null;

  begin(setting: ServerSetting): void {
    if (this.form.sending) return;
    this.form.problem = this.wrong = this.saved = null;
    this.proof.forget();
    this.open = setting.name;
    this.draft = String(setting.value);
  }

  cancel(): void {
    if (this.form.sending) return;
    this.form.problem = this.wrong = null;
    this.proof.forget();
    this.open = null;
  }

  /** Saves what was typed. Answers whether it is so now. */
  async save(setting: ServerSetting, element?: HTMLFormElement): Promise<boolean> {
    if (this.proof.isAsked && this.#asked?.draft === this.draft) return this.#change(setting, this.#asked.value, element);
    const value = readValue(setting, this.draft);
    this.wrong = isWrong(value) ? value : null;
    if (isWrong(value)) return false;
    if (value === setting.value) {
      this.open = null;
      return true;
    }
    return this.#change(setting, value, element);
  }

  /** As the file says. */
  reset(setting: ServerSetting): Promise<boolean> {
    return this.#change(setting, null);
  }

  async undo(): Promise<boolean> {
    const { saved } = this;
    if (saved === null || !(await this.#send(saved.name, saved.before))) return false;
    this.saved = { ...saved, isUndone: true };
    return true;
  }

  async #change(setting: ServerSetting, value: SettingValue | null, element?: HTMLFormElement): Promise<boolean> {
    const before = setting.from === 'here' ? setting.value : null;
    if (!(await this.#send(setting.name, value, element))) return false;
    this.saved = { name: setting.name, before, isUndone: false };
    this.open = null;
    return true;
  }

  /** Where the password is given: in the form of the setting, also if it was not open. */
  #ask(name: string, value: SettingValue | null): void {
    const asked = value ?? this.fetched.value?.settings.find((setting) => setting.name === name)?.default;
    [this.open, this.draft, this.saved] = [name, String(asked ?? this.draft), null];
    this.#asked = { value, draft: this.draft };
  }

  async #send(name: string, value: SettingValue | null, element?: HTMLFormElement): Promise<boolean> {
    this.about = name;
    const answer = await this.form.send(
      () =>
        this.proof.send(async () => {
          const answer = await call<unknown>('PATCH', path, { [name]: value });
          // Before the form closes, the page knows what the server has made of it.
          if (answer.ok) await this.fetched.read();
          return answer;
        }),
      element,
    );
    if (answer?.ok === false && this.proof.isQuestion(answer.problem.code)) this.#ask(name, value);
    return answer?.ok === true;
  }
}
