import { onHost } from '../../lib/base';
import { closedBidi } from '../../lib/bidi';
import { isRecord } from '../../lib/http';

/** A notification of the desktop, or of a phone. */
export interface Note {
  /** The address of where it was said: the next of the same place takes its place. */
  place: string;
  /** Which message it is about; null: none in particular. */
  seq: number | null;
  title: string;
  body: string;
  /** What a click opens, as an address of the page. */
  address: string;
}

const prefix = 'webmessenger.';
/** Those of the page itself, by place. Closed by the reader, they may be closed again. */
const shown = new Map<string, { note: Notification; seq: number | null }>();
/** Counts the times that all were closed: what was still to be shown is not. */
let closings = 0;
/** As much of a text as a desktop shows. */
const bodyLength = 160;

/** Shows it, where the reader lets the page. The sound is the page's own. */
export async function show({ place, seq, title, body, address }: Note, account: string, open: (address: string) => void): Promise<void> {
  const text = closedBidi([...body].slice(0, bodyLength).join(''));
  const options: NotificationOptions = { body: text, tag: prefix + place, icon: onHost('/icon-192.png'), silent: true, data: { address, seq, account } satisfies Data };
  try {
    const note = new Notification(closedBidi(title), options);
    note.onclick = () => {
      window.focus();
      open(address);
      note.close();
    };
    shown.set(place, { note, seq });
  } catch {
    // A phone lets only a service worker show one; a press on it comes back from there (`src/sw`).
    const before = closings;
    const registration = await worker();
    if (before !== closings) return;
    await registration?.showNotification(closedBidi(title), options).catch(() => undefined);
    if (before !== closings) await closeWorkers(() => true);
  }
}

/** Of these places, or of one message there: it was read, edited or deleted. */
export async function close(places: readonly string[], seq: number | null = null): Promise<void> {
  for (const place of places) {
    const own = shown.get(place);
    if (!own || (seq !== null && own.seq !== seq)) continue;
    own.note.close();
    shown.delete(place);
  }
  await closeWorkers((tag, data) => places.includes(tag.slice(prefix.length)) && (seq === null || data.seq === seq));
}

/** Whoever is signed out leaves none behind: those that a service worker shows stay when the page goes. */
export async function closeAll(): Promise<void> {
  closings++;
  for (const { note } of shown.values()) note.close();
  shown.clear();
  await closeWorkers(() => true);
}

/** What another account's last page could not close. */
export function closeOthers(account: string): Promise<void> {
  return closeWorkers((_, data) => data.account !== account);
}

type Data = { address: string; seq: number | null; account: string };

async function closeWorkers(isMeant: (tag: string, data: Partial<Data>) => boolean): Promise<void> {
  const notes = (await (await worker())?.getNotifications?.().catch(() => [])) ?? [];
  for (const note of notes) if (note.tag.startsWith(prefix) && isMeant(note.tag, isRecord(note.data) ? note.data : {})) note.close();
}

/** Hears what the service worker says of a press on a note. Answers how to stop. */
export function hearPresses(open: (address: string) => void): () => void {
  const container = serviceWorkers();
  const hear = ({ data }: MessageEvent<unknown>) => {
    if (isRecord(data) && data['type'] === 'open' && typeof data['address'] === 'string') open(data['address']);
  };
  container?.addEventListener('message', hear);
  return () => container?.removeEventListener('message', hear);
}

async function worker(): Promise<ServiceWorkerRegistration | undefined> {
  return serviceWorkers()?.getRegistration(onHost('/')).catch(() => undefined);
}

/** Not there on plain http beyond localhost. */
function serviceWorkers(): ServiceWorkerContainer | undefined {
  return globalThis.navigator?.serviceWorker as ServiceWorkerContainer | undefined;
}
