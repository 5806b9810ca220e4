import { browserStorage } from '../storage';

const name = 'webmessenger.emoji';
const usual: readonly string[] = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];
const mostKept = 16;

/** The emoji that this browser's user took last, the newest first; behind them those that most people take. */
class RecentEmoji {
  #taken = $state.raw<readonly string[]>(read());

  readonly all: readonly string[] = $derived([...new Set([...this.#taken, ...usual])].slice(0, mostKept));

  take(emoji: string): void {
    this.#taken = [emoji, ...this.#taken.filter((one) => one !== emoji)].slice(0, mostKept);
    browserStorage.write(name, JSON.stringify(this.#taken));
  }

  /** Its user has left. */
  forget(): void {
    this.#taken = [];
    browserStorage.write(name, null);
  }
}

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(browserStorage.read(name) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string').slice(0, mostKept) : [];
  } catch {
    return [];
  }
}

export const recentEmoji = new RecentEmoji();
