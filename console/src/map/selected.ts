/** What marks the selected area on the map; a selected track is marked where tracks are drawn. */
import type { Area } from './areas';

export type Target = { kind: 'track'; id: number } | { kind: 'area'; code: string } | null;

export function selectedArea(target: Target, areas: Map<string, Area>): GeoJSON.FeatureCollection {
  const area = target?.kind === 'area' ? areas.get(target.code) : undefined;
  const features: GeoJSON.Feature[] = area ? [{ type: 'Feature', properties: {}, geometry: area.feature.geometry }] : [];
  return { type: 'FeatureCollection', features };
}
