import { call, type Problem } from '../lib/http';
import { tabStorage } from '../lib/storage';
import { inviteWay } from './inviteWay';
import { SecretLink } from './secretLink.svelte';

/** Where a link leads. `people`: who are in the room now. */
export interface Invite {
  room: string;
  title: string;
  topic: string;
  people: number;
  by: { user: string; name: string };
}

const key = 'webmessenger.invite';

function keep(secret: string): void {
  inviteWay.secret = secret;
  tabStorage.write(key, secret || null);
}

/** A link into a room: `/i#{secret}`. Looking at it uses nothing up. Its secret stays with the tab on the way through the other doors, until it has let somebody in. */
export class InviteLink extends SecretLink<Invite> {
  /** Why it let nobody in; null: it has not been tried, or has. */
  refused = $state.raw<Problem | null>(null);
  entering = $state(false);

  constructor(secret: string) {
    super('/api/invites/look', secret || inviteWay.secret || (tabStorage.read(key) ?? ''));
    keep(this.secret);
  }

  /** Whoever is signed in comes in. The room's id; null: `refused` says why not. */
  async enter(): Promise<string | null> {
    if (this.entering) return null;
    this.entering = true;
    const answer = await call<{ room: string }>('POST', '/api/invites', { secret: this.secret });
    this.entering = false;
    if (answer.ok) keep('');
    this.refused = answer.ok ? null : answer.problem;
    if (!answer.ok && answer.problem.status === 404) this.phase = 'gone';
    return answer.ok ? answer.value.room : null;
  }
}
