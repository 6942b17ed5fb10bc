/** Thin lines straight into pixels: tens of thousands of trail segments take milliseconds, not half a second. */

/** r, g, b, a (0..255) as the little-endian word of an ImageData pixel. */
export function pixelOf(hex: string, alpha: number): number {
  const value = Number.parseInt(hex.slice(1), 16);
  const [r, g, b] = [(value >> 16) & 255, (value >> 8) & 255, value & 255];
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** Sets the pixels of a polyline (x, y, x, y, ...) one pixel wide; what lies outside the picture is left out. */
export function drawPolyline(pixels: Uint32Array, width: number, height: number, points: number[], scale: number, pixel: number): void {
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [x0, y0] = [points[i]! * scale, points[i + 1]! * scale];
    const [x1, y1] = [points[i + 2]! * scale, points[i + 3]! * scale];
    if ((x0 < 0 && x1 < 0) || (y0 < 0 && y1 < 0) || (x0 >= width && x1 >= width) || (y0 >= height && y1 >= height)) continue;
    const steps = Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1));
    const [dx, dy] = [(x1 - x0) / steps, (y1 - y0) / steps];
    for (let k = 0, x = x0, y = y0; k <= steps; k++, x += dx, y += dy) {
      if (x >= 0 && y >= 0 && x < width && y < height) pixels[(y | 0) * width + (x | 0)] = pixel;
    }
  }
}
