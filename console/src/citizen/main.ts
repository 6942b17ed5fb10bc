import '../base.css';
import { mount } from 'svelte';
import { theme } from '../shared/theme.svelte';
import { place } from './place.svelte';
import { push } from './push.svelte';
import Citizen from './Citizen.svelte';

theme.start(matchMedia('(prefers-color-scheme: dark)').matches ? 'night' : 'day');
place.start();
void push.start();
mount(Citizen, { target: document.getElementById('app')! });
