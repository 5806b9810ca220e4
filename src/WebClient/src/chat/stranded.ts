import type { Line } from './outbox.svelte';

/** The lines of an outbox that no room shows, because their room is lost to this account: it can neither send them nor see them there. */
export function stranded(lines: readonly Line[], opens: (room: string) => boolean): Line[] {
  return lines.filter((line) => {
    const room = /^rooms\/(.+)$/.exec(line.topic)?.[1];
    return line.state !== 'sent' && (room === undefined || !opens(room));
  });
}
