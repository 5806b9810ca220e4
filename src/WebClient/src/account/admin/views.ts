import { admin } from '../../routes/routes';

/** The pages of a server, in the order of their list. */
export const views = ['overview', 'accounts', 'rooms', 'reports', 'audit', 'settings'] as const;
export type View = (typeof views)[number];

/** The path of a view: the first one has no name of its own. */
export function pathOf(view: View): string {
  return view === 'overview' ? admin : `${admin}/${view}`;
}

/** Null: it is the path of none. */
export function viewOf(path: string): View | null {
  const trimmed = path.replace(/\/$/, '');
  return views.find((view) => pathOf(view) === trimmed) ?? null;
}
