import { kept, language, type Key } from '../../i18n/i18n.svelte';

const formats = new Map<string, Intl.NumberFormat>();
/** Digits that a number has exactly. */
const exact = 15;

/** A number as the language writes it, with the decimals that it was sent with, or as many as are wanted. Null: it is none, and shown as it is. */
export function numberIn(text: string, precision: number | null): string | null {
  const found = /^-?(\d+)(?:\.(\d+))?$/.exec(text);
  if (!found || found[0].length > exact) return null;
  // A number with zeros before it is a code.
  if (/^0\d/.test(found[1]!)) return null;
  const digits = Math.min(10, precision ?? found[2]?.length ?? 0);
  const make = () => new Intl.NumberFormat(language.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return kept(formats, `${language.locale} ${digits}`, make).format(Number(text));
}

/** "812 bytes", "12 kB". */
export function sizeIn(bytes: number): string {
  const [value, unit] = bytes < 1_000 ? [bytes, 'byte'] : bytes < 1_000_000 ? [bytes / 1_000, 'kilobyte'] : [bytes / 1_000_000, 'megabyte'];
  const make = () => new Intl.NumberFormat(language.locale, { style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short', maximumFractionDigits: value < 10 && unit !== 'byte' ? 1 : 0 });
  return kept(formats, `${language.locale} ${unit} ${value < 10}`, make).format(value);
}

/** "1,5": how often a second. */
export function rateIn(rate: number): string {
  return kept(formats, `${language.locale} rate`, () => new Intl.NumberFormat(language.locale, { maximumSignificantDigits: 2 })).format(rate);
}

type Ends<S> = S extends `tiles.${infer Group}.on` ? Group : never;

/** What on and off mean for the device classes of Home Assistant's binary sensors; of others they are on and off. */
export const inWords: Record<string, Ends<Key>> = {
  door: 'opening',
  garage_door: 'opening',
  opening: 'opening',
  window: 'opening',
  lock: 'lock',
  motion: 'presence',
  moving: 'presence',
  occupancy: 'presence',
  presence: 'presence',
  vibration: 'presence',
  carbon_monoxide: 'alarm',
  gas: 'alarm',
  moisture: 'alarm',
  problem: 'alarm',
  safety: 'alarm',
  smoke: 'alarm',
  tamper: 'alarm',
};
