import '../base.css';
import { mount } from 'svelte';
import { theme } from '../shared/theme.svelte';
import Citizen from './Citizen.svelte';

theme.start('day');
mount(Citizen, { target: document.getElementById('app')! });
