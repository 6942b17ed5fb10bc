/** What marks the selection on the map: the selected area, or the areas a selected track is foreseen to reach. */
import { t } from '../shared/i18n.svelte';
import type { Area } from './areas';
import type { Reach } from './fan';

export type Target = { kind: 'track'; id: number } | { kind: 'area'; code: string } | null;

/** Less likely than this is left out: a map full of faint areas says nothing. */
const LEAST = 0.05;

/** `kind` selected or reach; a reach has its probability and a label with the minutes. */
export function selectedShapes(target: Target, areas: Map<string, Area>, reaches: Reach[]): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  const area = target?.kind === 'area' ? areas.get(target.code) : undefined;
  if (area) features.push({ type: 'Feature', properties: { kind: 'selected' }, geometry: area.feature.geometry });
  if (target?.kind === 'track') {
    for (const { area: code, probability, eta_s } of reaches) {
      const found = areas.get(code ?? '');
      if (!found || probability < LEAST) continue;
      const label = eta_s === null ? '' : `${Math.max(0, Math.round(eta_s / 60))} ${t('unit.min')} · ${Math.round(100 * probability)} %`;
      features.push({ type: 'Feature', properties: { kind: 'reach', probability }, geometry: found.feature.geometry });
      features.push({ type: 'Feature', properties: { label, order: -probability }, geometry: { type: 'Point', coordinates: found.centre } });
    }
  }
  return { type: 'FeatureCollection', features };
}

/** A polygon as far as it is drawn: its points, its line and, from three points on, its ground. */
export function drawnShape(points: [number, number][]): GeoJSON.FeatureCollection {
  const shape = (geometry: GeoJSON.Geometry): GeoJSON.Feature => ({ type: 'Feature', properties: {}, geometry });
  const features = points.map((coordinates) => shape({ type: 'Point', coordinates }));
  if (points.length > 1) features.push(shape({ type: 'LineString', coordinates: [...points, points[0]!] }));
  if (points.length > 2) features.push(shape({ type: 'Polygon', coordinates: [[...points, points[0]!]] }));
  return { type: 'FeatureCollection', features };
}
