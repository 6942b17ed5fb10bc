/** The map's colours, read from tokens.css for the theme that is on. */
const NAMES = [
  'sea', 'land', 'border', 'region', 'area-line', 'outline', 'label', 'halo', 'watch-fill', 'alarm-fill',
  'hostile', 'suspect', 'unknown', 'neutral', 'sensor', 'impact', 'partner',
] as const; // prettier-ignore

export type Palette = Record<(typeof NAMES)[number], string> & { watch: string; alarm: string; accent: string };

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const entries = NAMES.map((name) => [name, value(`--map-${name}`)]);
  return { ...Object.fromEntries(entries), watch: value('--watch'), alarm: value('--alarm'), accent: value('--accent') };
}
