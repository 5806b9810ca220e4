import { call, type Answer } from '../lib/http';
import type { Kind } from '../chat/protocol';
import { forget } from '../chat/store';

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
}

type Status = 'asking' | 'unreachable' | 'out' | 'in';

/** Who this browser is signed in as. The cookie is the truth and only the server can read it, so this asks whenever there is doubt. */
class Session {
  status = $state<Status>('asking');
  me = $state.raw<Me | null>(null);
  /** What to tell whoever was just here: the login session was ended somewhere else, or the account was erased. */
  farewell = $state<'ended' | 'erased' | null>(null);

  #leaving = false;

  /** Other tabs hear at once; tabs that cannot hear find out from the server closing their connection. */
  readonly #tabs = new BroadcastChannel('webmessenger.session');

  constructor() {
    this.#tabs.onmessage = async (event: MessageEvent<unknown>) => {
      if ((await this.check()) !== 'out') return;
      if (this.farewell === 'ended' && event.data === 'erased') this.farewell = 'erased';
      if (event.data !== 'changed') void forget('everything');
    };
  }

  /** Asks the server. No answer changes nothing, except before the first one. */
  async check(): Promise<Status> {
    const answer = await call<Me>('GET', '/api/session');
    if (answer.ok) this.#entered(answer.value);
    else if (answer.problem.status === 401) this.#left();
    else if (this.status === 'asking') this.status = 'unreachable';
    return answer.ok ? 'in' : answer.problem.status === 401 ? 'out' : 'unreachable';
  }

  enterAsGuest(nickname: string): Promise<Answer<Me>> {
    return this.#enter('/api/session/guest', { nickname });
  }

  signIn(login: string, password: string): Promise<Answer<Me>> {
    return this.#enter('/api/session', { login, password });
  }

  register(registration: Registration): Promise<Answer<Me>> {
    return this.#enter('/api/accounts', registration);
  }

  signOut(): Promise<Answer<void>> {
    return this.#leaveBy(() => call<void>('DELETE', '/api/session'));
  }

  async change(changes: Partial<Registration>, currentPassword: string): Promise<Answer<unknown>> {
    const body = { ...changes, currentPassword };
    const answer = await call<unknown>('PATCH', '/api/accounts/me', body);
    if (answer.ok) {
      await this.check();
      this.#tabs.postMessage('changed');
    }
    return answer;
  }

  async erase(currentPassword: string): Promise<Answer<void>> {
    const answer = await this.#leaveBy(() => call<void>('DELETE', '/api/accounts/me', { currentPassword }), 'erased');
    if (answer.ok) this.farewell = 'erased';
    return answer;
  }

  /** The server closes our connections before it answers: what is found out meanwhile is no surprise. */
  async #leaveBy(action: () => Promise<Answer<void>>, word: 'left' | 'erased' = 'left'): Promise<Answer<void>> {
    this.#leaving = true;
    const answer = await action();
    this.#leaving = false;
    if (answer.ok) {
      this.me = null;
      this.status = 'out';
      await forget('everything');
      this.#tabs.postMessage(word);
    } else if (answer.problem.status === 401) {
      await this.check();
    }
    return answer;
  }

  async #enter(path: string, body: unknown): Promise<Answer<Me>> {
    const answer = await call<unknown>('POST', path, body);
    if (!answer.ok) return answer;
    const status = await this.check();
    if (status === 'in') this.#tabs.postMessage('entered');
    return status === 'in' && this.me
      ? { ok: true, value: this.me }
      : { ok: false, problem: { status: 0, code: 'unreachable', message: '', fields: {}, retryAfter: null } };
  }

  #entered(me: Me): void {
    const same = this.me !== null && JSON.stringify(this.me) === JSON.stringify(me);
    if (!same) this.me = me;
    this.status = 'in';
    this.farewell = null;
  }

  #left(): void {
    if (this.status === 'in') this.farewell = this.#leaving ? null : 'ended';
    this.me = null;
    this.status = 'out';
    void forget('copies');
  }
}

export const session = new Session();
