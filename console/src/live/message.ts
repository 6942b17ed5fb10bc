/** The tick of the live picture (docs/architecture.md, 'The live picture'): MessagePack in, typed arrays out. */
import { decode } from '@msgpack/msgpack';

export type Mode = 'actual' | 'exercise' | 'test';
export type Level = 'watch' | 'alarm';

/** Orders of model/schemas.py: the message carries indices into them. */
export const STATUSES = ['tentative', 'confirmed', 'coasting', 'ended'] as const;
export const THREATS = ['drone', 'cruise', 'ballistic', 'glide_bomb', 'aircraft', 'other'] as const;
export type Status = (typeof STATUSES)[number];
export type Threat = (typeof THREATS)[number];

/** n tracks as a structure of arrays: degrees, metres, m/s; covariance in m². */
export interface TrackArrays {
  id: Uint32Array | Float64Array;
  lat: Float32Array;
  lon: Float32Array;
  alt_m: Float32Array;
  ve: Float32Array;
  vn: Float32Array;
  p_ee: Float32Array;
  p_en: Float32Array;
  p_nn: Float32Array;
  existence: Uint8Array;
  confidence: Uint8Array;
  status: Uint8Array;
  threat: Uint8Array;
  neutral: Uint8Array;
}

export interface AlertMessage {
  identifier: string;
  area: string;
  level: Level;
  threat: Threat;
  start_us: number;
  end_us: number | null;
  /** Median time to arrival at the start of the span. */
  eta_s: number | null;
  probability: number;
  tracks: number[];
  reason: string;
}

/** The region a ballistic object will fall in: mean and covariance (m²), and when. */
export interface Impact {
  track: number;
  lat: number;
  lon: number;
  ee: number;
  en: number;
  nn: number;
  time_us: number;
}

export interface SensorState {
  id: string;
  /** Waiting: not heard since the service began. */
  state: 'live' | 'silent' | 'waiting';
  age_s: number | null;
}

/** What a partner nation gives. Its tracks have numbers of their own, which may be large. */
export interface PartnerMessage {
  id: string;
  names: Record<string, string>;
  state: 'live' | 'silent' | 'waiting';
  /** How old its newest picture is; null before the first. */
  age_s: number | null;
  tracks: TrackArrays;
  gone: Float64Array;
}

export interface Health {
  lag_s: number;
  detections_per_s: number;
}

/** An order that waits for a second operator. */
export interface Proposal {
  order: string;
  kind: 'alert' | 'cancel';
  by: string;
  areas: string[];
  people: number;
  level: Level;
  threat: Threat;
  until_us: number | null;
  text: string;
  expires_us: number;
}

/** An alert that waits to be released. */
export interface Pending {
  identifier: string;
  area: string;
  level: Level;
  threat: Threat;
  probability: number;
  reason: string;
  since_us: number;
  releases_us: number | null;
}

/** What lies on the operators' desk. kept: areas whose alert stands by order, until a time or, with null, until released. */
export interface Desk {
  proposals: Proposal[];
  pending: Pending[];
  kept: Record<string, number | null>;
}

/** A sensor that is not believed, and why; count: signs of it so far. */
export interface Suspect {
  sensor: string;
  why: 'jammed' | 'ghosts' | 'replayed' | 'impossible' | 'clock';
  since_us: number;
  last_us: number;
  count: number;
}

/** What people report; unseen: instruments that should notice it do not. */
export interface Claim {
  number: number;
  lat: number;
  lon: number;
  since_us: number;
  last_us: number;
  verdict: 'open' | 'seen' | 'unseen';
  reports: number;
  held: number;
  count: number;
  reporters: string[];
  silent: string[];
  seen_by: string[];
}

export interface Trust {
  sensors: Suspect[];
  claims: Claim[];
}

export interface Tick {
  seq: number;
  now_us: number;
  mode: Mode;
  full: boolean;
  tracks: TrackArrays;
  gone: Uint32Array;
  alerts: AlertMessage[];
  /** By area under alert: when the first track that matters is expected, µs, as foreseen last. */
  arrivals: Record<string, number>;
  impacts: Impact[];
  sensors: SensorState[];
  partners: PartnerMessage[];
  health: Health | null;
  /** When it changed, and in the first tick. */
  desk: Desk | null;
  /** Likewise, once anybody was looked at. */
  trust: Trust | null;
}

type Raw = Record<string, unknown>;

/** The bytes as an array of its type; copied, since MessagePack does not align them. */
function floats(value: unknown): Float32Array {
  return value instanceof Uint8Array ? new Float32Array(value.slice().buffer) : new Float32Array(0);
}

function words(value: unknown): Uint32Array {
  return value instanceof Uint8Array ? new Uint32Array(value.slice().buffer) : new Uint32Array(0);
}

function doubles(value: unknown): Float64Array {
  return value instanceof Uint8Array ? new Float64Array(value.slice().buffer) : new Float64Array(0);
}

function bytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function list<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function trackArrays(tracks: Raw, id: TrackArrays['id']): TrackArrays {
  return {
    id,
    lat: floats(tracks['lat']),
    lon: floats(tracks['lon']),
    alt_m: floats(tracks['alt_m']),
    ve: floats(tracks['ve']),
    vn: floats(tracks['vn']),
    p_ee: floats(tracks['p_ee']),
    p_en: floats(tracks['p_en']),
    p_nn: floats(tracks['p_nn']),
    existence: bytes(tracks['existence']),
    confidence: bytes(tracks['confidence']),
    status: bytes(tracks['status']),
    threat: bytes(tracks['threat']),
    neutral: bytes(tracks['neutral']),
  };
}

function partner(raw: Raw): PartnerMessage {
  const tracks = (raw['tracks'] ?? {}) as Raw;
  return {
    id: String(raw['id']),
    names: (raw['names'] ?? {}) as Record<string, string>,
    state: raw['state'] as PartnerMessage['state'],
    age_s: (raw['age_s'] as number | null | undefined) ?? null,
    tracks: trackArrays(tracks, doubles(tracks['id'])),
    gone: doubles(raw['gone']),
  };
}

/** One WebSocket message, or null when it is not a tick (a form this console does not know). */
export function decodeTick(data: ArrayBuffer): Tick | null {
  const raw = decode(new Uint8Array(data)) as Raw;
  if (raw['t'] !== 'tick') return null;
  const tracks = (raw['tracks'] ?? {}) as Raw;
  return {
    seq: Number(raw['seq'] ?? 0),
    now_us: Number(raw['now_us']),
    mode: raw['mode'] as Mode,
    full: Boolean(raw['full']),
    tracks: trackArrays(tracks, words(tracks['id'])),
    gone: words(raw['gone']),
    alerts: list<AlertMessage>(raw['alerts']),
    arrivals: (raw['arrivals'] ?? {}) as Record<string, number>,
    impacts: list<Impact>(raw['impacts']),
    sensors: list<SensorState>(raw['sensors']),
    partners: list<Raw>(raw['partners']).map(partner),
    health: (raw['health'] as Health | undefined) ?? null,
    desk: (raw['desk'] as Desk | undefined) ?? null,
    trust: (raw['trust'] as Trust | undefined) ?? null,
  };
}
