/** Shaders of the areas by level: ground with its hatching, and outlines of a width in pixels. Colours premultiplied. */

const PLACE = `#version 300 es
precision highp float;
uniform vec2 u_origin;
uniform vec2 u_size;
uniform float u_world;
vec2 pixel(vec2 at) { return at * u_world + u_origin; }
vec4 clip(vec2 px) { return vec4(2.0 * px.x / u_size.x - 1.0, 1.0 - 2.0 * px.y / u_size.y, 0.0, 1.0); }
`;

export const FILL_VERTEX = `${PLACE}
layout(location = 0) in vec2 a_at;
void main() { gl_Position = clip(pixel(a_at)); }
`;

/** u_pattern: anchor x and y, period, half the width of a hatching line; all in pixels of the canvas. */
export const FILL_FRAGMENT = `#version 300 es
precision highp float;
uniform vec4 u_fill;
uniform vec4 u_hatch;
uniform vec4 u_pattern;
uniform bool u_crossed;
out vec4 colour;
float off(float along) { return abs(mod(along, u_pattern.z) - 0.5 * u_pattern.z) * 0.7071; }
void main() {
  vec2 at = gl_FragCoord.xy - u_pattern.xy;
  float away = off(at.x - at.y);
  if (u_crossed) away = min(away, off(at.x + at.y));
  float hatch = clamp(u_pattern.w + 0.5 - away, 0.0, 1.0) * u_hatch.a;
  vec4 ground = vec4(u_fill.rgb * u_fill.a, u_fill.a);
  colour = vec4(u_hatch.rgb * hatch, hatch) + ground * (1.0 - hatch);
}
`;

/** Each corner is moved half a width, and half a pixel for a soft edge, to its side. */
export const LINE_VERTEX = `${PLACE}
layout(location = 0) in vec2 a_at;
layout(location = 1) in vec2 a_across;
uniform float u_half;
uniform float u_ratio;
out vec2 v_away;
void main() {
  vec2 away = (u_half + 0.5 / u_ratio) * a_across;
  // Of the two corners of an end one has the vector, the other its opposite: between them it passes through nothing.
  v_away = away * u_ratio;
  gl_Position = clip(pixel(a_at) + away);
}
`;

export const LINE_FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 u_line;
uniform float u_half;
uniform float u_ratio;
in vec2 v_away;
out vec4 colour;
void main() {
  float cover = clamp(u_half * u_ratio + 0.5 - length(v_away), 0.0, 1.0);
  colour = vec4(u_line * cover, cover);
}
`;

/** A linked program and where its uniforms lie. */
export function program(gl: WebGL2RenderingContext, vertex: string, fragment: string): { id: WebGLProgram; at: (name: string) => WebGLUniformLocation | null } {
  const id = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) { // prettier-ignore
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(id, shader);
  }
  gl.linkProgram(id);
  if (!gl.getProgramParameter(id, gl.LINK_STATUS)) throw new Error(`shader of the areas: ${gl.getProgramInfoLog(id)}`);
  const places = new Map<string, WebGLUniformLocation | null>();
  const at = (name: string): WebGLUniformLocation | null => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(id, name));
    return places.get(name)!;
  };
  return { id, at };
}
