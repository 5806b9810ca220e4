import { copyText } from './copyText';

/** Copies text for a button, and remembers what came of it for the line that says so: not every browser lets a page copy. */
export class Copying {
  outcome = $state<'copied' | 'notCopied' | null>(null);
  /** What was copied last and is on the clipboard, by the name that its button gave it. */
  copied = $state<string | null>(null);

  async copy(text: string, name = ''): Promise<void> {
    const done = await copyText(text);
    this.outcome = done ? 'copied' : 'notCopied';
    this.copied = done ? name : null;
  }

  /** There is something else to be said. */
  clear(): void {
    this.outcome = this.copied = null;
  }
}
