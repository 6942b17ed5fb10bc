/** The areas as triangles and outline segments for the graphics card: made once, a level only chooses among them. */
import earcut from 'earcut';
import type { Area } from './areas';
import { mercatorX, mercatorY } from './projection';

/** Vertices, and by code those of each area: vertex numbers, three a triangle. */
export interface Part {
  vertices: Float32Array;
  triangles: Map<string, Uint32Array>;
}

export interface AreaMesh {
  /** What positions are counted from, in Mercator units of the world: single precision then holds at every zoom. */
  origin: [number, number];
  /** x, y of each vertex. */
  ground: Part;
  /** x, y and a unit vector across the line of each vertex: two triangles a segment, widened when they are drawn. */
  outline: Part;
}

function polygonsOf(geometry: GeoJSON.Geometry): GeoJSON.Position[][][] {
  if (geometry.type === 'Polygon') return [geometry.coordinates];
  return geometry.type === 'MultiPolygon' ? geometry.coordinates : [];
}

/** Positions of a polygon's rings, and where each ring but the first begins, in vertices. */
function flatten(rings: GeoJSON.Position[][], [x0, y0]: [number, number]): { flat: number[]; holes: number[] } {
  const flat: number[] = [];
  const holes: number[] = [];
  rings.forEach((ring, i) => {
    if (i) holes.push(flat.length / 2);
    for (const [lon, lat] of ring) flat.push(mercatorX(lon!) - x0, mercatorY(lat!) - y0);
  });
  return { flat, holes };
}

/** Two triangles along a segment; their corners differ only in the side they will be moved to. */
function widen(x0: number, y0: number, x1: number, y1: number, vertices: number[], corners: number[]): void {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length === 0) return;
  const [across, along] = [(y0 - y1) / length, (x1 - x0) / length];
  const first = vertices.length / 4;
  vertices.push(x0, y0, across, along, x0, y0, -across, -along, x1, y1, across, along, x1, y1, -across, -along);
  corners.push(first, first + 1, first + 2, first + 1, first + 3, first + 2);
}

export function meshOf(areas: Iterable<Area>): AreaMesh {
  const all = [...areas];
  const [lon, lat] = all[0]?.centre ?? [0, 0];
  const origin: [number, number] = [mercatorX(lon), mercatorY(lat)];
  const [ground, outline]: [number[], number[]] = [[], []];
  const [inside, around] = [new Map<string, Uint32Array>(), new Map<string, Uint32Array>()];
  for (const { code, feature } of all) {
    const [filled, lined]: [number[], number[]] = [[], []];
    for (const rings of polygonsOf(feature.geometry)) {
      const { flat, holes } = flatten(rings, origin);
      const first = ground.length / 2;
      for (const corner of earcut(flat, holes)) filled.push(first + corner);
      for (const value of flat) ground.push(value);
      const starts = [0, ...holes, flat.length / 2];
      for (let ring = 0; ring + 1 < starts.length; ring++) {
        for (let i = 2 * starts[ring]!; i + 2 < 2 * starts[ring + 1]!; i += 2) widen(flat[i]!, flat[i + 1]!, flat[i + 2]!, flat[i + 3]!, outline, lined);
      }
    }
    inside.set(code, new Uint32Array(filled));
    around.set(code, new Uint32Array(lined));
  }
  return {
    origin,
    ground: { vertices: new Float32Array(ground), triangles: inside },
    outline: { vertices: new Float32Array(outline), triangles: around },
  };
}

/** The triangles of some areas; codes that are not known are left out. */
export function trianglesOf(part: Part, codes: string[]): Uint32Array {
  const found = codes.flatMap((code) => part.triangles.get(code) ?? []);
  const all = new Uint32Array(found.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of found) {
    all.set(one, at);
    at += one.length;
  }
  return all;
}
