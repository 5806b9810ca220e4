import { kept, language } from '../../i18n/i18n.svelte';

const formats = new Map<string, Intl.NumberFormat>();
const sizes = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

function format(value: number, name: string, options: Intl.NumberFormatOptions): string {
  return kept(formats, `${language.locale} ${name}`, () => new Intl.NumberFormat(language.locale, options)).format(value);
}

/** "1,204", "0.35": a count, or a rate that may be less than one. */
export function numberOf(value: number): string {
  const digits = Math.abs(value) < 10 && !Number.isInteger(value) ? 2 : 0;
  return format(value, `number ${digits}`, { maximumFractionDigits: digits });
}

/** "812 bytes", "4.4 MB": in powers of 1,000, as disks are sold. */
export function bytesOf(bytes: number): string {
  let [value, index] = [bytes, 0];
  while (Math.abs(value) >= 1_000 && index < sizes.length - 1) [value, index] = [value / 1_000, index + 1];
  const digits = index > 0 && Math.abs(value) < 10 ? 1 : 0;
  return format(value, `${sizes[index]} ${digits}`, { style: 'unit', unit: sizes[index]!, unitDisplay: index === 0 ? 'long' : 'short', maximumFractionDigits: digits });
}

/** "1.2 ms", "3 s". */
export function millisecondsOf(value: number): string {
  const [shown, unit] = value >= 1_000 ? [value / 1_000, 'second'] : [value, 'millisecond'];
  const digits = shown < 10 ? 1 : 0;
  return format(shown, `${unit} ${digits}`, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits });
}

/** "12 %". `share`: 0 to 1. */
export function percentOf(share: number): string {
  return format(share, 'percent', { style: 'percent', maximumFractionDigits: 0 });
}
