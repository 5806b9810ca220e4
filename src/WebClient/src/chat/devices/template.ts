import { parsedJson } from './json';

/** What a template makes of a value. `nothing`: it says that this value is none (`is_defined`); `unknown`: it is of a shape that this page does not know. */
export type Rendered = { kind: 'text'; text: string } | { kind: 'nothing' } | { kind: 'unknown' };

type Parsed = readonly (string | Expression)[] | null;
type Step = { at: string | number };
type Filter = { name: string; args: readonly (string | number)[] };
interface Expression {
  root: 'value' | 'value_json';
  steps: readonly Step[];
  filters: readonly Filter[];
}

/** Characters. Home Assistant has no bound, and nobody writes more than a few lines. */
const longest = 1_000;
/** Templates that are kept parsed: rooms have few different ones. */
const mostKept = 500;
const parsedOnes = new Map<string, Parsed>();

/**
 * A small part of Home Assistant's templates (https://www.home-assistant.io/docs/configuration/templating/): text with `{{ … }}` in it,
 * of `value` and `value_json` with names and indexes behind them, and the filters round, int, float, default, is_defined, lower, upper
 * and trim. Nothing of it is run as a script.
 */
export function render(template: string, value: string): Rendered {
  const parsed = parsedOf(template);
  if (parsed === null) return { kind: 'unknown' };
  let text = '';
  for (const part of parsed) {
    const one = typeof part === 'string' ? part : evaluate(part, value);
    if (one === nothing) return { kind: 'nothing' };
    if (one === unknown) return { kind: 'unknown' };
    text += written(one);
  }
  return { kind: 'text', text };
}

/** What a template is a number of: a member of the value, or the value itself (empty). Null: of something else. */
export function fieldOf(template: string | null): string | null {
  if (template === null) return '';
  const parsed = parsedOf(template);
  const only = parsed?.length === 1 ? parsed[0]! : '';
  if (typeof only === 'string') return null;
  const at = only.steps[0]?.at;
  if (only.root === 'value' || only.steps.length === 0) return only.steps.length === 0 ? '' : null;
  return only.steps.length === 1 && typeof at === 'string' && at !== '' ? at : null;
}

const nothing = Symbol('nothing');
const unknown = Symbol('unknown');

function parsedOf(template: string): Parsed {
  const known = parsedOnes.get(template);
  if (known !== undefined) return known;
  if (parsedOnes.size >= mostKept) parsedOnes.clear();
  const parsed = parse(template);
  parsedOnes.set(template, parsed);
  return parsed;
}

function parse(template: string): Parsed {
  if (template.length > longest || /\{[%#]/.test(template)) return null;
  const parts: (string | Expression)[] = [];
  for (const piece of template.trim().split(/(\{\{.*?\}\})/s)) {
    if (piece === '') continue;
    if (!piece.startsWith('{{')) parts.push(piece);
    else {
      const expression = new Reader(piece.slice(2, -2).replace(/^-|-$/g, '')).expression();
      if (expression === null) return null;
      parts.push(expression);
    }
  }
  return parts;
}

/** Reads one expression from its beginning to its end. */
class Reader {
  #rest: string;

  constructor(text: string) {
    this.#rest = text.trim();
  }

  /** Null: it is none that this page knows. */
  expression(): Expression | null {
    const root = this.#take(/^(value_json|value)\b/)?.[1] as Expression['root'] | undefined;
    if (root === undefined) return null;
    const steps: Step[] = [];
    for (let step = this.#step(); step !== null; step = this.#step()) steps.push(step);
    const filters: Filter[] = [];
    while (this.#take(/^\|/)) {
      const filter = this.#filter();
      if (filter === null) return null;
      filters.push(filter);
    }
    return this.#rest === '' ? { root, steps, filters } : null;
  }

  #step(): Step | null {
    const name = this.#take(/^\.\s*([A-Za-z_]\w*)/);
    if (name) return { at: name[1]! };
    const index = this.#take(/^\[\s*(?:'([^'\\]*)'|"([^"\\]*)"|(-?\d{1,9}))\s*\]/);
    if (!index) return null;
    return { at: index[3] === undefined ? (index[1] ?? index[2] ?? '') : Number(index[3]) };
  }

  #filter(): Filter | null {
    const name = this.#take(/^([a-z_]+)/)?.[1];
    if (name === undefined || !Object.hasOwn(filters, name)) return null;
    if (!this.#take(/^\(/)) return { name, args: [] };
    const args: (string | number)[] = [];
    while (!this.#take(/^\)/)) {
      if (args.length > 0 && !this.#take(/^,/)) return null;
      this.#take(/^(?:precision|default|default_value)\s*=/);
      const found = this.#take(/^(?:'([^'\\]*)'|"([^"\\]*)"|(-?\d+(?:\.\d+)?))/);
      if (!found) return null;
      args.push(found[3] === undefined ? (found[1] ?? found[2] ?? '') : Number(found[3]));
    }
    return { name, args };
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.#rest);
    if (found) this.#rest = this.#rest.slice(found[0].length).trimStart();
    return found;
  }
}

function evaluate({ root, steps, filters: wanted }: Expression, value: string): unknown {
  let one: unknown = root === 'value' ? value : parsedJson(value);
  for (const { at } of steps) one = within(one, at);
  for (const { name, args } of wanted) {
    one = filters[name]!(one, args);
    if (one === nothing || one === unknown) return one;
  }
  return one;
}

function within(one: unknown, at: string | number): unknown {
  if (Array.isArray(one)) return typeof at === 'number' ? one.at(at) : undefined;
  if (typeof one !== 'object' || one === null || !Object.hasOwn(one, at)) return undefined;
  return (one as Record<string | number, unknown>)[at];
}

const filters: Record<string, (one: unknown, args: readonly (string | number)[]) => unknown> = {
  is_defined: (one) => (one === undefined ? nothing : one),
  default: (one, [otherwise = '']) => (one === undefined ? otherwise : one),
  float: (one, [otherwise]) => numberOf(one) ?? otherwise ?? unknown,
  int: (one, [otherwise]) => truncated(numberOf(one)) ?? otherwise ?? unknown,
  round: (one, [digits = 0]) => rounded(numberOf(one), Number(digits)) ?? unknown,
  lower: (one) => written(one).toLowerCase(),
  upper: (one) => written(one).toUpperCase(),
  trim: (one) => written(one).trim(),
};

function numberOf(one: unknown): number | null {
  if (typeof one === 'boolean') return one ? 1 : 0;
  const found = typeof one === 'number' ? one : typeof one === 'string' && one.trim() !== '' ? Number(one) : Number.NaN;
  return Number.isFinite(found) ? found : null;
}

const truncated = (one: number | null): number | null => (one === null ? null : Math.trunc(one));

function rounded(one: number | null, digits: number): number | null {
  if (one === null) return null;
  const by = 10 ** Math.min(12, Math.max(-12, Math.trunc(digits)));
  return Math.round(one * by) / by;
}

/** As a template writes it: what is missing as nothing, truth as Python does. */
function written(one: unknown): string {
  if (one === undefined || one === null) return one === null ? 'None' : '';
  if (typeof one === 'boolean') return one ? 'True' : 'False';
  return typeof one === 'object' ? JSON.stringify(one) : String(one);
}
