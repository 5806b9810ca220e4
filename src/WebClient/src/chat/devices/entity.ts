/** Where something is said: a topic below the room's data, and what makes the value of what is said there. */
export interface Source {
  topic: string;
  template: string | null;
}

/** Where something is done by publishing. */
export interface Command {
  topic: string;
  template: string | null;
  qos: 0 | 1 | 2;
  retain: boolean;
}

/** The device is there if its topic says so. */
export interface Availability extends Source {
  available: string;
  notAvailable: string;
}

/** Switched on and off. `states`: the newest word counts. */
export interface OnOff {
  states: readonly Source[];
  stateOn: string;
  stateOff: string;
  command: Command | null;
  on: string;
  off: string;
}

interface Base {
  /** What tells it from others of the room. */
  key: string;
  name: string;
  /** What it stands under: its device, or where its topic lies. */
  group: string;
  /** As it is listed for `/show`, beside its names: the topic of its value. Empty: it has none. */
  topic: string;
  availability: readonly Availability[];
  /** Whether one that is there is enough, or all have to be. */
  availableBy: 'all' | 'any' | 'latest';
  /** What else its value says, shown member by member but for those that the tile shows itself. */
  rest?: { state: Source; but: readonly string[] };
}

export type Entity = Base &
  (
    | { kind: 'sensor'; states: readonly Source[]; unit: string; precision: number | null }
    /** The members of an object, each a line. */
    | { kind: 'object'; state: Source }
    | { kind: 'binary'; onOff: OnOff; means: string }
    | { kind: 'switch'; onOff: OnOff }
    | { kind: 'light'; onOff: OnOff; brightness: Brightness | null }
    | { kind: 'button'; command: Command; press: string }
    | { kind: 'number'; state: Source | null; command: Command; min: number; max: number; step: number; unit: string }
    | { kind: 'select'; state: Source | null; command: Command; options: readonly string[] }
    | { kind: 'text'; state: Source | null; command: Command; longest: number }
    | { kind: 'cover'; state: Source | null; position: Source | null; words: CoverWords; command: Command | null }
    | { kind: 'climate'; current: Source | null; target: Source | null; set: Command | null; mode: Source | null; setMode: Command | null; modes: readonly string[]; min: number; max: number; step: number; unit: string }
  );
export type Kind = Entity['kind'];
export type Of<K extends Kind> = Extract<Entity, { kind: K }>;

export interface Brightness {
  state: Source | null;
  command: Command;
  /** What is the brightest. */
  scale: number;
}

/** What a cover says and hears. */
export interface CoverWords {
  open: string;
  close: string;
  stop: string | null;
  isOpen: string;
  isClosed: string;
  isOpening: string;
  isClosing: string;
  /** Where it stands when it is closed and when it is open, of its positions. */
  closedAt: number;
  openAt: number;
}

/** All topics that its tile follows. */
export function topicsOf(entity: Entity): string[] {
  const sources: (Source | null)[] = [...entity.availability, ...statesOf(entity)];
  if (entity.kind === 'light') sources.push(entity.brightness?.state ?? null);
  return [...new Set(sources.flatMap((source) => source?.topic ?? []))];
}

/** Where it answers what it was told. */
export function statesOf(entity: Entity): Source[] {
  const all: readonly (Source | null)[] =
    entity.kind === 'binary' || entity.kind === 'switch' ? entity.onOff.states
    : entity.kind === 'light' ? [...entity.onOff.states, entity.brightness?.state ?? null]
    : entity.kind === 'sensor' ? entity.states
    : entity.kind === 'cover' ? [entity.state, entity.position]
    : entity.kind === 'climate' ? [entity.target, entity.mode, entity.current]
    : entity.kind === 'button' ? []
    : [entity.state];
  return all.filter((source) => source !== null);
}

/** Topics in which nothing is said but what is told to it: none of them is a value of its own. */
export function commandsOf(entity: Entity): string[] {
  const all: readonly (Command | null)[] =
    entity.kind === 'switch' || entity.kind === 'binary' ? [entity.onOff.command]
    : entity.kind === 'light' ? [entity.onOff.command, entity.brightness?.command ?? null]
    : entity.kind === 'climate' ? [entity.set, entity.setMode]
    : entity.kind === 'sensor' || entity.kind === 'object' ? []
    : [entity.command];
  return all.flatMap((command) => command?.topic ?? []);
}
