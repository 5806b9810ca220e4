import { ranked } from '../../lib/ranked';
import { searchText } from '../../lib/searchText';

/** Somewhere to go, or something to do. */
export interface Goal {
  key: string;
  group: 'rooms' | 'people' | 'actions' | 'said';
  name: string;
  /** What tells it from another of that name. */
  beside: string;
  /** Wants a look: stands first while nothing is typed. */
  calls?: boolean;
  run: () => void;
}

const mostOfAGroup = 6;
const groups = ['rooms', 'people', 'actions'] as const;

/** What is meant by what was typed so far, group by group, the best of each first. */
export function findGoals(query: string, goals: readonly Goal[]): Goal[] {
  const wanted = searchText(query.trim());
  return groups.flatMap((group) => ranked(goals.filter((goal) => goal.group === group), (goal) => rankOf(wanted, goal), mostOfAGroup));
}

function rankOf(wanted: string, { name, beside, calls, group }: Goal): number | null {
  // Of people nobody is offered unasked.
  if (wanted === '') return group === 'people' ? null : calls ? 0 : 1;
  const texts = [name, beside].map(searchText);
  if (texts.some((text) => text.startsWith(wanted))) return 0;
  if (texts.some((text) => text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted)))) return 1;
  return texts.some((text) => text.includes(wanted)) ? 2 : null;
}
