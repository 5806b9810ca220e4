export { default as DevicesPane } from './DevicesPane.svelte';
export { default as ShownTile } from './ShownTile.svelte';
