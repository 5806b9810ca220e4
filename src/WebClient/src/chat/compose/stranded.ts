import type { Line } from './outbox.svelte';

/** What its author may still want back: the rest the log has, and the line only waits to be shown from there. */
export function unsent(lines: readonly Line[]): Line[] {
  return lines.filter((line) => line.state !== 'sent');
}

/** The lines of an outbox that no room shows, because their room is lost to this account: it can neither send them nor see them there. */
export function stranded(lines: readonly Line[], opens: (room: string) => boolean): Line[] {
  return unsent(lines).filter((line) => {
    const room = /^rooms\/(.+)$/.exec(line.topic)?.[1];
    // Conversations are open to whoever has them.
    return room === undefined ? !line.topic.startsWith('users/') : !opens(room);
  });
}
