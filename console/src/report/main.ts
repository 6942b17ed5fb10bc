import '../base.css';
import { mount } from 'svelte';
import { theme } from '../shared/theme.svelte';
import Report from './Report.svelte';

theme.start('day');
mount(Report, { target: document.getElementById('app')! });
