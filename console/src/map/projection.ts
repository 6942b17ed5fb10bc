/** Where a place lies on the screen: Web Mercator without turn or tilt, as the map is held. */
export interface Projection {
  width: number;
  height: number;
  zoom: number;
  /** Pixels of the whole world. */
  world: number;
  x(lon: number): number;
  y(lat: number): number;
  /** Of a place in Mercator units of the world. */
  pixel(at: [number, number]): [number, number];
}

/** Pixels of the whole world at zoom 0. */
const WORLD_PX = 512;

export function mercatorX(lon: number): number {
  return (lon + 180) / 360;
}

export function mercatorY(lat: number): number {
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);
}

export function projectionOf(centre: { lng: number; lat: number }, zoom: number, width: number, height: number): Projection {
  const world = WORLD_PX * 2 ** zoom;
  const left = mercatorX(centre.lng) * world - width / 2;
  const top = mercatorY(centre.lat) * world - height / 2;
  return {
    width,
    height,
    zoom,
    world,
    x: (lon) => mercatorX(lon) * world - left,
    y: (lat) => mercatorY(lat) * world - top,
    pixel: ([x, y]) => [x * world - left, y * world - top],
  };
}
