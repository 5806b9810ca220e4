import { mayWriteData } from '../../chat/model/dataRules';
import type { Room } from '../../chat/model/protocol';

/** `sensor`: its own branch, and where Home Assistant looks for what it is. `all`: a home automation. `reads`: what shows values. */
export const presets = ['sensor', 'all', 'reads'] as const;
export type Preset = (typeof presets)[number];

export interface Topics {
  read: string[];
  write: string[];
}

/** Null: all topics below the mount. */
export function topicsOf(preset: Preset, branch: string): Topics | null {
  if (preset === 'all') return null;
  if (preset === 'reads') return { read: ['#'], write: [] };
  // Discovery has the form homeassistant/{component}/{node}/{object}/config; below the own branch come commands.
  return { read: [`${branch}/#`], write: [`${branch}/#`, `homeassistant/+/${branch}/#`] };
}

/** What a token with these topics is for, as far as it was made here. `branch` null: it has none of its own. */
export function presetOf(topics: Topics | null): { preset: Preset; branch: string | null } {
  if (topics === null) return { preset: 'all', branch: null };
  if (topics.write.length === 0) return { preset: 'reads', branch: null };
  const branch = /^(.+)\/#$/.exec(topics.write[0]!)?.[1] ?? null;
  return branch !== null && isBranch(branch) ? { preset: 'sensor', branch } : { preset: 'all', branch: null };
}

export function presetsIn(room: Room): readonly Preset[] {
  return mayWriteData(room) ? presets : ['reads'];
}

/** A branch of topics by a device's name: "Estufa nº 2" becomes "estufa-n-2"; empty when none of its letters are a-z or 0-9. */
export function branchOf(name: string): string {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return (plain.match(/[a-z0-9_]+/g) ?? []).join('-').slice(0, 48);
}

/** Levels of letters, digits, dots, dashes and underscores: nothing that means something to MQTT, or to the programs that it is pasted into. */
export function isBranch(text: string): boolean {
  return /^[\p{L}\p{M}\p{N}_.-]+(\/[\p{L}\p{M}\p{N}_.-]+)*$/u.test(text) && text.length <= 64;
}
