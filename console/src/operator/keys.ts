/** The keyboard: every shortcut once, for the handler and for the help sheet. */
import { live } from '../live/live.svelte';
import type { Key } from '../shared/messages/en';
import { theme } from '../shared/theme.svelte';
import { drawing } from './drawing.svelte';
import { sortAlerts } from './rows';
import { selection } from './selection.svelte';
import { view } from './view.svelte';

interface Shortcut {
  keys: string[];
  does: Key;
  run: () => void;
}

/** Selects the alert after (or before) the selected one, in the order of the list. */
function step(by: number): void {
  const rows = sortAlerts(live.picture.alerts.values());
  const at = rows.findIndex((alert) => alert.area === selection.areaCode);
  const next = rows[at < 0 ? 0 : (at + by + rows.length) % rows.length];
  if (next) selection.area(next.area, true);
}

function leave(): void {
  if (drawing.active) return drawing.stop();
  if (view.open) view.open = null;
  else if (view.search) view.search = '';
  else selection.clear();
}

export const SHORTCUTS: Shortcut[] = [
  { keys: ['n', 'ArrowDown'], does: 'key.next', run: () => step(1) },
  { keys: ['p', 'ArrowUp'], does: 'key.previous', run: () => step(-1) },
  { keys: ['/'], does: 'key.search', run: () => document.getElementById('search')?.focus() },
  { keys: ['h'], does: 'map.home', run: () => (view.home += 1) },
  { keys: ['l'], does: 'layers', run: () => view.toggle('layers') },
  { keys: ['s'], does: 'sensors', run: () => view.toggle('sensors') },
  { keys: ['o'], does: 'desk', run: () => view.toggle('desk') },
  { keys: ['c'], does: 'layer.neutral', run: () => view.toggleLayer('neutral') },
  { keys: [' '], does: 'key.pause', run: () => live.toggle() },
  { keys: ['e'], does: 'key.live', run: () => live.toLive() },
  { keys: ['m'], does: 'key.mute', run: () => view.toggleSound() },
  { keys: ['d'], does: 'key.theme', run: () => theme.choose(theme.theme === 'night' ? 'day' : 'night') },
  { keys: ['?'], does: 'help', run: () => view.toggle('help') },
  { keys: ['Escape'], does: 'key.leave', run: leave },
];

/** Keys typed into a field, or that a focused control or list uses itself, are not shortcuts. */
export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  const typing = target.matches('input:not([type="checkbox"]), select, textarea');
  if (typing && event.key !== 'Escape') return;
  if (event.key === ' ' && target.matches('button, input, [tabindex]')) return;
  if (event.key.startsWith('Arrow') && target !== document.body) return;
  const found = SHORTCUTS.find(({ keys }) => keys.includes(event.key));
  if (!found) return;
  event.preventDefault();
  if (event.key === 'Escape') target.blur();
  found.run();
}
