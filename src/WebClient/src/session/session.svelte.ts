import { call, type Answer } from '../lib/http';
import type { Kind } from '../lib/kind';
import { forget } from '../store/store';
import { forgetChoices } from './accountSettings';
import { lastKnown } from './lastKnown';

export interface Me {
  /** The account's id: what this browser keeps is kept under it. */
  account: string;
  user: string;
  name: string;
  kind: Kind;
  email: string | null;
  administrator: boolean;
  sessionId: string;
}

export interface Registration {
  email: string;
  userName: string;
  displayName: string;
  password: string;
  /** Printed where the server was started; needed for its first account only. */
  firstCode?: string;
}

type Status = 'asking' | 'unreachable' | 'out' | 'in' | 'switched';

/** What one tab tells the others. `account`: who left. */
interface Word {
  word: 'left' | 'erased' | 'changed' | 'entered';
  account: string | null;
}

/** Who this browser is signed in as. The cookie is the truth and only the server can read it, so this asks whenever there is doubt. */
class Session {
  status = $state<Status>('asking');
  me = $state.raw<Me | null>(null);
  /** How whoever was just here went: by another tab or device, by erasing the account, or of their own will in this tab. */
  farewell = $state<'ended' | 'erased' | 'left' | null>(null);
  /** The cookie has become somebody else's, by another tab: nothing is shown or sent as either until the person says so. */
  switched = $state.raw<{ was: Me; now: Me } | null>(null);

  /** `me` is who was here last, by this browser's word alone: the server has not said so yet. */
  assumed = $state(false);

  #leaving = false;
  /** Questions are counted, so that the answer to one from before who is here was decided says nothing about now. */
  #asked = 0;
  #decided = 0;
  /** This tab is asking for another identity, so that one comes is no surprise. */
  #entering = false;
  /** Who this tab was last, unless they left of their own will here. */
  #was: Me | null = null;

  /** Other tabs hear at once; tabs that cannot hear find out from the server closing their connection. */
  readonly #tabs = new BroadcastChannel('webmessenger.session');

  constructor() {
    this.#tabs.onmessage = (event: MessageEvent<Word>) => this.#hear(event.data);
  }

  /** Whoever left in another tab is gone from this one, whether the server can be asked or not: what they wrote or read here is nobody else's to see. */
  #hear({ word, account }: Word): void {
    const isOver = word === 'left' || word === 'erased';
    if (isOver && account !== null && account === (this.me ?? this.#was)?.account) {
      this.#decide();
      this.#left();
      this.#was = null;
      if (word === 'erased') this.farewell = 'erased';
      // What this tab was just writing down goes with the rest.
      void forget(account);
      forgetChoices();
    }
    void this.check();
  }

  /**
   * Asks the server, for `limit` milliseconds at most. No answer changes nothing, except before the first one: then whoever was here last may read what
   * this browser keeps for them, and write what is sent later.
   */
  async check(limit?: number): Promise<Status> {
    const asked = ++this.#asked;
    const answer = await call<Me>('GET', '/api/session', undefined, limit);
    if (asked < this.#decided) return this.status;
    if (answer.ok || answer.problem.status === 401) this.#decided = asked;
    if (answer.ok) this.#entered(answer.value);
    else if (answer.problem.status === 401) this.#left();
    else if (this.status === 'asking') this.#assume();
    return answer.ok ? this.status : answer.problem.status === 401 ? 'out' : 'unreachable';
  }

  /** The person goes on in this tab as whoever another tab signed in. */
  goOn(): void {
    if (this.switched) this.#become(this.switched.now);
  }

  enterAsGuest(nickname: string): Promise<Answer<Me>> {
    return this.#enter('/api/session/guest', { nickname });
  }

  async signIn(login: string, password: string): Promise<Answer<Me>> {
    const answer = await this.#enter('/api/session', { login, password });
    // Whatever the server calls it, a 401 here means one thing.
    return answer.ok || answer.problem.status !== 401 ? answer : { ok: false, problem: { ...answer.problem, code: 'bad_credentials' } };
  }

  register(registration: Registration): Promise<Answer<Me>> {
    return this.#enter('/api/accounts', registration);
  }

  /** The secret is that of a link made by `password-link`; it is used up. */
  setPassword(secret: string, password: string): Promise<Answer<Me>> {
    return this.#enter('/api/password-links', { secret, password });
  }

  signOut(): Promise<Answer<void>> {
    return this.#leaveBy(() => call<void>('DELETE', '/api/session'));
  }

  async change(changes: Partial<Registration>, currentPassword: string): Promise<Answer<unknown>> {
    const body = { ...changes, currentPassword };
    const answer = await call<unknown>('PATCH', '/api/accounts/me', body);
    if (answer.ok) {
      await this.check();
      this.#say('changed');
    }
    return answer;
  }

  erase(currentPassword: string): Promise<Answer<void>> {
    return this.#leaveBy(() => call<void>('DELETE', '/api/accounts/me', { currentPassword }), 'erased');
  }

  /** The server closes our connections before it answers: what is found out meanwhile is no surprise. */
  async #leaveBy(action: () => Promise<Answer<void>>, word: 'left' | 'erased' = 'left'): Promise<Answer<void>> {
    const account = this.me?.account ?? null;
    this.#leaving = true;
    const answer = await action();
    this.#leaving = false;
    if (answer.ok) {
      this.#decide();
      lastKnown.forget();
      this.me = this.#was = this.switched = null;
      this.farewell = word;
      this.status = 'out';
      forgetChoices();
      await forget(account);
      this.#say(word, account);
    } else if (answer.problem.status === 401) {
      await this.check();
    }
    return answer;
  }

  async #enter(path: string, body: unknown): Promise<Answer<Me>> {
    this.#entering = true;
    const answer = await call<unknown>('POST', path, body);
    if (answer.ok) this.#decide();
    const status = answer.ok ? await this.check() : this.status;
    this.#entering = false;
    if (!answer.ok) return answer;
    if (status === 'in') this.#say('entered');
    return status === 'in' && this.me
      ? { ok: true, value: this.me }
      : { ok: false, problem: { status: 0, code: 'unreachable', message: '', fields: {}, retryAfter: null } };
  }

  /** What was asked before this is overtaken. */
  #decide(): void {
    this.#decided = ++this.#asked;
  }

  #say(word: Word['word'], account: string | null = null): void {
    this.#tabs.postMessage({ word, account } satisfies Word);
  }

  #assume(): void {
    this.me = lastKnown.read();
    this.assumed = this.me !== null;
    this.status = this.me === null ? 'unreachable' : 'in';
  }

  #entered(me: Me): void {
    const was = this.me ?? this.#was;
    if (was === null || was.account === me.account || this.#entering) return this.#become(me);
    this.switched = { was, now: me };
    this.#was = was;
    this.me = null;
    this.status = 'switched';
  }

  #become(me: Me): void {
    lastKnown.write(me);
    this.assumed = false;
    const same = this.me !== null && JSON.stringify(this.me) === JSON.stringify(me);
    if (!same) this.me = me;
    this.#was = me;
    this.switched = null;
    this.status = 'in';
    this.farewell = null;
  }

  #left(): void {
    lastKnown.forget();
    if (this.status === 'in') this.farewell = this.#leaving ? 'left' : 'ended';
    this.me = this.switched = null;
    this.status = 'out';
    void forget();
  }
}

export const session = new Session();
