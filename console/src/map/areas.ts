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

export interface ActiveLabel {
  code: string;
  label: string;
  order: number;
  size: number;
  centre: [number, number];
}

/** Names of the areas under alert by code; an alarm's is marked and wins. */
export function activeLabels(alerts: Iterable<Alert>, areas: Map<string, Area>): Map<string, ActiveLabel> {
  const labels = new Map<string, ActiveLabel>();
  for (const alert of alerts) {
    const area = areas.get(alert.area);
    if (!area) continue;
    const alarm = alert.level === 'alarm';
    const name = nameIn(area.properties);
    const label = { code: area.code, label: alarm ? `▲ ${name}` : name, order: (alarm ? 0 : 1e9) - area.population, size: alarm ? 13 : 11, centre: area.centre };
    labels.set(area.code, label);
  }
  return labels;
}

/** What of the labels is other than before, as the map takes it; null when nothing is. */
export function labelChanges(before: Map<string, ActiveLabel>, after: Map<string, ActiveLabel>): { add: Feature[]; remove: string[] } | null {
  const add: Feature[] = [];
  for (const [code, { centre, ...properties }] of after) {
    const known = before.get(code);
    if (known?.label !== properties.label) add.push({ type: 'Feature', id: code, properties, geometry: { type: 'Point', coordinates: centre } });
  }
  const remove = [...before.keys()].filter((code) => !after.has(code));
  return add.length + remove.length ? { add, remove } : null;
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
