import '../base.css';
import { mount } from 'svelte';
import { theme } from '../shared/theme.svelte';
import { place } from './place.svelte';
import Citizen from './Citizen.svelte';

theme.start(matchMedia('(prefers-color-scheme: dark)').matches ? 'night' : 'day');
place.start();
mount(Citizen, { target: document.getElementById('app')! });
