import { call } from '../lib/http';
// Whatever of the page has come by now, the account's choices are to be known to it.
import '../lib/calls.svelte';
import '../lib/clock.svelte';
import '../lib/looks.svelte';
import '../lib/sending.svelte';
import '../lib/theme.svelte';
import { recentEmoji } from '../lib/emoji/recent.svelte';
import { onChoice, settings } from '../lib/setting.svelte';
import { browserStorage } from '../lib/storage';
import type { Me } from './session.svelte';

const path = '/api/settings';
/** What was chosen here and did not reach the server: kept over reloads, so that an old choice of the account does not come back. */
const unsaid = 'webmessenger.settings.unsaid';

/** What nobody sees before it is too late. How the page looks is the browser's as much as anybody's: it is seen, and is the same for who only was away. */
const unseen: ReadonlySet<string> = new Set(['sounds', 'quietFrom', 'quietUntil', 'sending', 'comings']);

let account: string | null = null;
let saying: Promise<void> | null = null;

/** Somebody is signed in: their page looks and behaves on this device as on their others. Guests have no others. */
export async function follow(me: Me): Promise<void> {
  account = me.kind === 'guest' ? null : me.account;
  if (account === null) return;
  onChoice(choose);
  const asked = account;
  const answer = await call<Record<string, unknown>>('GET', path);
  if (!answer.ok || asked !== account) return;
  const mine = read();
  for (const setting of settings()) {
    const theirs = answer.value[setting.name];
    // What the account has never chosen is on each device as it was there.
    if (typeof theirs === 'string' && !(setting.name in mine) && theirs !== setting.chosen) setting.take(theirs);
  }
  say();
}

/** Nobody is signed in: what is chosen holds for this browser. */
export function unfollow(): void {
  account = null;
}

/** Somebody has left: what they chose of how the page calls and writes is not what the next person chooses. */
export function forgetChoices(): void {
  for (const setting of settings()) if (unseen.has(setting.name)) setting.take(null);
  recentEmoji.forget();
  browserStorage.write(unsaid, null);
}

function choose(name: string, value: string): void {
  if (account === null) return;
  write({ ...read(), [name]: value });
  say();
}

function say(): void {
  saying ??= sayAll().finally(() => (saying = null));
}

async function sayAll(): Promise<void> {
  for (let waiting = read(); account !== null && Object.keys(waiting).length > 0; waiting = read()) {
    const speaker = account;
    const answer = await call<unknown>('PATCH', path, waiting);
    if (speaker !== account) return;
    // Refused is refused; without a network it is said by the next visit, or with the next choice.
    if (!answer.ok && (answer.problem.status === 0 || answer.problem.status >= 429 || answer.problem.status === 401)) return;
    const now = read();
    for (const [name, value] of Object.entries(waiting)) if (now[name] === value) delete now[name];
    write(now);
  }
}

function read(): Record<string, string> {
  try {
    const kept = JSON.parse(browserStorage.read(unsaid) ?? 'null') as { account: string; chosen: Record<string, string> } | null;
    return kept?.account === account ? { ...kept?.chosen } : {};
  } catch {
    return {};
  }
}

function write(chosen: Record<string, string>): void {
  browserStorage.write(unsaid, Object.keys(chosen).length === 0 ? null : JSON.stringify({ account, chosen }));
}
