/** Drawing data of the sirens: one mark for each area that has any, of the worst state among them. */
import { markOf, SIREN_MARKS } from '../live/sirens.svelte';
import type { Siren } from '../live/sirens.svelte';
import type { Area } from './areas';

export function sirenShapes(sirens: Siren[], areas: Map<string, Area>): GeoJSON.FeatureCollection {
  const byArea = new Map<string, Siren[]>();
  for (const siren of sirens) byArea.set(siren.area, [...(byArea.get(siren.area) ?? []), siren]);
  const features: GeoJSON.Feature[] = [];
  for (const [code, own] of byArea) {
    const area = areas.get(code);
    if (!area) continue;
    const marks = new Set(own.map(markOf));
    const state = SIREN_MARKS.find((mark) => marks.has(mark))!;
    const count = own.length > 1 ? String(own.length) : '';
    features.push({ type: 'Feature', properties: { code, state, count }, geometry: { type: 'Point', coordinates: area.centre } });
  }
  return { type: 'FeatureCollection', features };
}
