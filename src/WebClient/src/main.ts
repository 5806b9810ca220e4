import { mount } from 'svelte';
import './app.css';
import { theme } from './lib/theme.svelte';
import App from './shell/App.svelte';

theme.apply();
mount(App, { target: document.getElementById('app')! });
