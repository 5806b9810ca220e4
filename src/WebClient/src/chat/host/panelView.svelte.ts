/** What somebody who opens the panel of a room wants of it; null: what it shows by itself. */
class PanelView {
  wanted = $state<'invite' | null>(null);
}

export const panelView = new PanelView();
