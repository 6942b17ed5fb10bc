/** The areas the console knows, and drawing data of those under alert. */
import type { Alert } from '../live/picture';
import { nameIn } from '../shared/i18n.svelte';
import { bounds } from './geometry';

type Collection = GeoJSON.FeatureCollection;
type Feature = GeoJSON.Feature;

export interface Area {
  code: string;
  properties: Record<string, unknown>;
  feature: Feature;
  centre: [number, number];
  population: number;
}

function centreOf(feature: Feature): [number, number] {
  const { lat, lon, centroid } = (feature.properties ?? {}) as Record<string, unknown>;
  if (typeof lat === 'number' && typeof lon === 'number') return [lon, lat];
  if (Array.isArray(centroid) && centroid.length === 2) return [Number(centroid[0]), Number(centroid[1])];
  const box = bounds({ type: 'FeatureCollection', features: [feature] });
  return box ? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] : [0, 0];
}

/** The areas of a collection by code. */
export function indexAreas(collection: Collection): Map<string, Area> {
  const areas = new Map<string, Area>();
  for (const feature of collection.features) {
    const properties = feature.properties ?? {};
    const code = String(properties['code']);
    areas.set(code, { code, properties, feature, centre: centreOf(feature), population: Number(properties['population'] ?? 0) });
  }
  return areas;
}

/** Polygons of the areas under alert with their level, and their names at their centres; an alarm's is marked and wins. */
export function activeAreas(alerts: Iterable<Alert>, areas: Map<string, Area>): Collection {
  const polygons: Feature[] = [];
  const names: Feature[] = [];
  for (const alert of alerts) {
    const area = areas.get(alert.area);
    if (!area) continue;
    const alarm = alert.level === 'alarm';
    const name = nameIn(area.properties);
    polygons.push({ type: 'Feature', properties: { code: area.code, level: alert.level }, geometry: area.feature.geometry });
    names.push({
      type: 'Feature',
      properties: { label: alarm ? `▲ ${name}` : name, order: (alarm ? 0 : 1e9) - area.population, size: alarm ? 13 : 11 },
      geometry: { type: 'Point', coordinates: area.centre },
    });
  }
  // Alarms last, so that their outline lies over a neighbour's.
  polygons.sort((a, b) => String(b.properties?.['level']).localeCompare(String(a.properties?.['level'])));
  return { type: 'FeatureCollection', features: [...polygons, ...names] };
}

/** Names of the regions' own outlines at their centres. */
export function outlineLabels(outlines: Map<string, Area>): Collection {
  const features = [...outlines.values()].map((area): Feature => ({
    type: 'Feature',
    properties: { name: nameIn(area.properties) },
    geometry: { type: 'Point', coordinates: area.centre },
  }));
  return { type: 'FeatureCollection', features };
}
