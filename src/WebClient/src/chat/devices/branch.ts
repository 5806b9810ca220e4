import { commandsOf, type Entity } from './entity';

/** What a description is filed under: `homeassistant/{component}/{node}/…`, or the object where there is no node. */
const node = /^homeassistant\/[^/]+\/([^/]+)\//;

/**
 * Topics to which a tile publishes though they are not plainly its own: neither below its value's topic, nor beside it, nor below the
 * name that its description is filed under. Whoever may describe a device may name any topic, and the page publishes there with the
 * rights of who presses. So who presses has to see it.
 */
export function foreignCommands(entity: Entity): string[] {
  return [...new Set(commandsOf(entity))].filter((command) => !isOwn(command, entity));
}

function isOwn(command: string, { key, topic }: Entity): boolean {
  const filed = node.exec(key)?.[1];
  if (filed !== undefined && command.startsWith(`${filed}/`)) return true;
  if (topic === '' || command === topic) return topic !== '';
  return command.startsWith(`${topic}/`) || isBeside(command, topic) || isOfTasmota(command, topic);
}

function isBeside(command: string, topic: string): boolean {
  const cut = topic.lastIndexOf('/') + 1;
  return cut > 0 && command.startsWith(topic.slice(0, cut)) && !command.includes('/', cut);
}

/** What is said on `stat/pump/POWER` is told on `cmnd/pump/POWER`. */
function isOfTasmota(command: string, topic: string): boolean {
  return topic.split('/').includes('stat') && command === topic.replace(/(^|\/)stat(?=\/|$)/, '$1cmnd');
}
