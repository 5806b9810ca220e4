export { default } from './ComposerQuestion.svelte';
export { hostOptions } from './hostCommands';
