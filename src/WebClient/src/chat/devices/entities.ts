import type { DataTopic } from './dataTopic.svelte';
import { isDiscovery, readDiscovery } from './discovery';
import { commandsOf, topicsOf, type Entity } from './entity';
import { describe, isOfBridge, isTasmota, readTasmota } from './undescribed';

/** Tiles of a room that the page holds. One description may have fifty. */
export const mostEntities = 2_000;

export function describes(topic: string): boolean {
  return isDiscovery(topic) || isTasmota(topic);
}

/**
 * What is described on such a topic. Null: nothing that this page knows.
 *
 * @param inside How topics of the room's data may begin for who is not behind a mount.
 */
export function describedBy(topic: string, value: unknown, inside: string): Entity[] | null {
  try {
    return isDiscovery(topic) ? readDiscovery(topic, value, inside) : readTasmota(topic, value);
  } catch {
    // Anybody who may write data writes these, and what is wrong with one must not take the others along.
    return null;
  }
}

/**
 * Everything of a room that has a tile: what is described, and each further value that no described one shows already. By group and name.
 * One more than are held tells that there are more.
 */
export function entitiesOf(topics: ReadonlyMap<string, DataTopic>, described: ReadonlyMap<string, readonly Entity[] | null>): Entity[] {
  const all = [...described.values()].flatMap((entities) => entities ?? []);
  const shown = new Set(all.flatMap((entity) => [...topicsOf(entity), ...commandsOf(entity)]));
  for (const one of topics.values()) {
    if (all.length > mostEntities) break;
    const { topic } = one;
    const isDescription = isTasmota(topic) || (isDiscovery(topic) && described.get(topic) !== null);
    if (one.size === 0 || isDescription || shown.has(topic) || isOfBridge(topic) || topic.startsWith('$SYS/')) continue;
    all.push(describe(topic, one.json));
  }
  return all.sort(byGroup);
}

const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function byGroup(one: Entity, other: Entity): number {
  // "pump" and "Pump" stand together, each in one piece.
  return compare(one.group, other.group) || byCode(one.group, other.group) || compare(one.name, other.name) || byCode(one.key, other.key);
}

function byCode(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

export interface Group {
  /** What tells it from the others: names are given by whoever may write data. */
  key: string;
  name: string;
  entities: Entity[];
}

/** Those that stand under one name, of what is in the order of `entitiesOf`. */
export function groupsOf(entities: readonly Entity[]): Group[] {
  const made: Group[] = [];
  for (const entity of entities) {
    const last = made.at(-1);
    if (last?.name === entity.group) last.entities.push(entity);
    else made.push({ key: entity.key, name: entity.group, entities: [entity] });
  }
  return made;
}

/** What is meant by `/show` and some words: a topic, or the name of a tile with or without its group. Null: nothing is. */
export function entityFor(words: string, entities: readonly Entity[]): Entity | null {
  const wanted = words.trim();
  const names = (entity: Entity) => [entity.name, `${entity.group} ${entity.name}`, `${entity.group}/${entity.name}`];
  const exact = entities.find(({ topic, key }) => topic === wanted || key === wanted);
  return exact ?? entities.find((entity) => names(entity).some((name) => compare(name, wanted) === 0)) ?? null;
}
