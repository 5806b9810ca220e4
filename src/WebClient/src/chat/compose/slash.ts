export { default as ComposerQuestion } from './ComposerQuestion.svelte';
export { hostOptions } from './hostCommands';
