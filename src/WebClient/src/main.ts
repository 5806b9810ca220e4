import { mount } from 'svelte';
import './app.css';
import './outline.css';
import { language } from './i18n/i18n.svelte';
import { theme } from './lib/theme.svelte';
import { update } from './lib/update.svelte';
import App from './shell/App.svelte';
import { whenIdle } from './shell/parts';

theme.apply();
await language.load();
mount(App, { target: document.getElementById('app')! });

// The worker fetches the whole page once more: not while this one is still being drawn.
const start = () => whenIdle(() => void update.start());
if (document.readyState === 'complete') start();
else addEventListener('load', start, { once: true });
