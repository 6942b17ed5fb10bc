/**
 * Areas by level, drawn straight by the graphics card inside the map: their ground goes there once, a change of levels
 * sends only which of it is drawn. Levels are told by colour, by hatching (alarm crossed, watch single) and by the
 * strength of the outline.
 */
import type { CustomLayerInterface, Map as MapLibre } from 'maplibre-gl';
import type { Level } from '../live/message';
import { trianglesOf } from './area_mesh';
import type { AreaMesh } from './area_mesh';
import type { Palette } from './palette';
import { projectionOf } from './projection';
import { FILL_FRAGMENT, FILL_VERTEX, LINE_FRAGMENT, LINE_VERTEX, program } from './shaders';

interface Look {
  fill: [number, number, number, number];
  line: [number, number, number];
  hatch_alpha: number;
  crossed: boolean;
  /** Half the width of the outline and of a hatching line, css pixels. */
  half_px: number;
  half_hatch_px: number;
}

/** What of a part of the ground is drawn for one level. */
interface Drawn {
  corners: number;
  indices: WebGLBuffer;
  array: WebGLVertexArrayObject;
}

const PARTS = ['ground', 'outline'] as const;
type PartName = (typeof PARTS)[number];

/** What lies on the graphics card. */
interface Held {
  gl: WebGL2RenderingContext;
  program: Record<PartName, ReturnType<typeof program>>;
  vertices: Record<PartName, WebGLBuffer>;
  drawn: Record<Level, Record<PartName, Drawn>>;
}

/** Alarms last, so that their outline lies over a neighbour's. */
const ORDER: Level[] = ['watch', 'alarm'];
const HATCH_PX = 8;

/** Seen from afar outlines would run together: full width from this zoom on, half of it two zooms before. */
const FULL_WIDTH_ZOOM = 7;

function widthShare(zoom: number): number {
  return Math.min(1, Math.max(0.5, 1 + (zoom - FULL_WIDTH_ZOOM) / 4));
}

function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

function looks(palette: Palette): Record<Level, Look> {
  return {
    watch: { fill: [...rgb(palette['watch-fill']), 0.3], line: rgb(palette.watch), hatch_alpha: 0.55, crossed: false, half_px: 0.4, half_hatch_px: 0.3 },
    alarm: { fill: [...rgb(palette['alarm-fill']), 0.55], line: rgb(palette.alarm), hatch_alpha: 0.75, crossed: true, half_px: 0.8, half_hatch_px: 0.4 },
  };
}

export class LevelLayer implements CustomLayerInterface {
  readonly id = 'levels';
  readonly type = 'custom';
  private looks: Record<Level, Look>;
  private mesh: AreaMesh | null = null;
  private codes: Record<Level, string[]> = { watch: [], alarm: [] };
  private map: MapLibre | null = null;
  private held: Held | null = null;

  constructor(palette: Palette) {
    this.looks = looks(palette);
  }

  setTheme(palette: Palette): void {
    this.looks = looks(palette);
    this.map?.triggerRepaint();
  }

  setGround(mesh: AreaMesh): void {
    this.mesh = mesh;
    this.uploadGround();
  }

  setLevels(levels: Iterable<[string, Level]>): void {
    this.codes = { watch: [], alarm: [] };
    for (const [code, level] of levels) this.codes[level].push(code);
    this.uploadLevels();
  }

  /** Called by the map, again after the graphics card lost all it held. */
  onAdd(map: MapLibre, context: WebGLRenderingContext | WebGL2RenderingContext): void {
    const gl = context as WebGL2RenderingContext;
    const vertices = { ground: gl.createBuffer(), outline: gl.createBuffer() };
    const arrays = (): Record<PartName, Drawn> => ({ ground: drawnOf(gl, vertices.ground, [2]), outline: drawnOf(gl, vertices.outline, [2, 2]) });
    const programs = { ground: program(gl, FILL_VERTEX, FILL_FRAGMENT), outline: program(gl, LINE_VERTEX, LINE_FRAGMENT) };
    this.map = map;
    this.held = { gl, vertices, program: programs, drawn: { watch: arrays(), alarm: arrays() } };
    this.uploadGround();
  }

  render(): void {
    if (!this.map || !this.mesh || !this.held) return;
    const { gl, drawn } = this.held;
    const { ground, outline } = this.held.program;
    const { clientWidth: width, clientHeight: height } = this.map.getCanvas();
    const view = projectionOf(this.map.getCenter(), this.map.getZoom(), width, height);
    const [x0, y0] = view.pixel(this.mesh.origin);
    const ratio = gl.drawingBufferWidth / width;
    for (const { id, at } of [ground, outline]) {
      gl.useProgram(id);
      gl.uniform2f(at('u_origin'), x0, y0);
      gl.uniform2f(at('u_size'), width, height);
      gl.uniform1f(at('u_world'), view.world);
      gl.uniform1f(at('u_ratio'), ratio);
    }
    for (const level of ORDER) {
      if (drawn[level].ground.corners === 0) continue;
      const look = this.looks[level];
      gl.useProgram(ground.id);
      gl.uniform4f(ground.at('u_fill'), ...look.fill);
      gl.uniform4f(ground.at('u_hatch'), ...look.line, look.hatch_alpha);
      // The hatching stays with the ground: it begins at the origin of the mesh.
      gl.uniform4f(ground.at('u_pattern'), x0 * ratio, gl.drawingBufferHeight - y0 * ratio, HATCH_PX * ratio, look.half_hatch_px * ratio);
      gl.uniform1i(ground.at('u_crossed'), look.crossed ? 1 : 0);
      draw(gl, drawn[level].ground);
      gl.useProgram(outline.id);
      gl.uniform3f(outline.at('u_line'), ...look.line);
      gl.uniform1f(outline.at('u_half'), look.half_px * widthShare(view.zoom));
      draw(gl, drawn[level].outline);
    }
    gl.bindVertexArray(null);
  }

  private uploadGround(): void {
    if (!this.held || !this.mesh) return;
    const { gl, vertices } = this.held;
    gl.bindVertexArray(null);
    for (const part of PARTS) {
      gl.bindBuffer(gl.ARRAY_BUFFER, vertices[part]);
      gl.bufferData(gl.ARRAY_BUFFER, this.mesh[part].vertices, gl.STATIC_DRAW);
    }
    this.uploadLevels();
  }

  private uploadLevels(): void {
    if (!this.held || !this.mesh) return;
    const { gl, drawn } = this.held;
    for (const level of ORDER) {
      for (const part of PARTS) {
        const triangles = trianglesOf(this.mesh[part], this.codes[level]);
        gl.bindVertexArray(drawn[level][part].array);
        gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.DYNAMIC_DRAW);
        drawn[level][part].corners = triangles.length;
      }
    }
    gl.bindVertexArray(null);
    this.map?.triggerRepaint();
  }
}

/** A vertex array over a buffer whose vertices are attributes of these sizes, with an index buffer of its own. */
function drawnOf(gl: WebGL2RenderingContext, vertices: WebGLBuffer, sizes: number[]): Drawn {
  const made: Drawn = { corners: 0, indices: gl.createBuffer(), array: gl.createVertexArray() };
  const stride = 4 * sizes.reduce((sum, size) => sum + size, 0);
  gl.bindVertexArray(made.array);
  gl.bindBuffer(gl.ARRAY_BUFFER, vertices);
  let offset = 0;
  sizes.forEach((size, i) => {
    gl.enableVertexAttribArray(i);
    gl.vertexAttribPointer(i, size, gl.FLOAT, false, stride, offset);
    offset += 4 * size;
  });
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, made.indices);
  gl.bindVertexArray(null);
  return made;
}

function draw(gl: WebGL2RenderingContext, { array, corners }: Drawn): void {
  gl.bindVertexArray(array);
  gl.drawElements(gl.TRIANGLES, corners, gl.UNSIGNED_INT, 0);
}
