import type { Held } from '../model/rules';
import type { PeopledRoom } from '../people/people.svelte';
import type { Nameable } from './completion.svelte';
import type { Composing } from './composing.svelte';

/** Where what is written goes, and who writes there just now. */
export interface ComposerRoom {
  readonly topic: string;
  readonly title: string;
  readonly words: { readonly placeholder: string };
  readonly typing: { readonly users: readonly string[] };
  readonly people: { readonly list: readonly { user: string; name: string }[]; nameOf(user: string): string | null };
  readonly members?: Nameable['others'];
  readonly composing: Composing;
  /** Null: it is a conversation. */
  readonly peopled: PeopledRoom | null;
  /** Where somebody has muted the reader: until when, and why. */
  readonly muted?: Held | null;
  /** Until when moderators alone write. */
  readonly quiet?: string | null;
  /** The reader looks after it, and it is not over. */
  readonly hosts?: boolean;
  /** Dice are thrown there. */
  readonly rolls?: boolean;
  /** When something may be said again, in milliseconds since 1970. */
  readonly nextAt?: number;
  /** `dice`: they are thrown, and the text stands for it until they are. */
  send(text: string, action: boolean, dice?: string): void;
  change(text: string): void;
  changeLast(): boolean;
  sayTyping(): void;
  /** The value of a device is shown to the reader alone. */
  showTile?(what: string): void;
  keepQuiet?(): void;
}
