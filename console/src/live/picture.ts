/** The air picture the console holds: what all ticks so far add up to. No DOM, no clock. */
import { STATUSES, THREATS } from './message';
import { partnerAfter } from './partner';
import type { Partner } from './partner';
import type { AlertMessage, Desk, Health, Impact, Level, Mode, SensorState, Status, Threat, Tick, Trust } from './message';

export type Affiliation = 'hostile' | 'suspect' | 'unknown' | 'neutral';

export interface Track {
  id: number;
  lat: number;
  lon: number;
  alt_m: number;
  ve: number;
  vn: number;
  p_ee: number;
  p_en: number;
  p_nn: number;
  existence: number;
  confidence: number;
  status: Status;
  threat: Threat;
  affiliation: Affiliation;
  /** Time of the picture in which it last changed, µs. */
  updated_us: number;
  /** Where it was: lon, lat, lon, lat, ... oldest first. */
  trail: number[];
  trail_us: number;
}

export interface Alert extends AlertMessage {
  /** When it is expected to arrive, µs; null where no arrival is known. */
  arrival_us: number | null;
}

const NOBODY: Trust = { sensors: [], claims: [] };
let versions = 0;

const TRAIL_POINTS = 24;
const TRAIL_STEP_US = 20_000_000;

/** What kind of stranger a track is: decides the frame of its symbol, never an action. */
export function affiliationOf(status: Status, threat: Threat, confidence: number, neutral: boolean): Affiliation {
  if (neutral) return 'neutral';
  if (threat === 'other' || confidence < 0.4) return 'unknown';
  return status === 'tentative' ? 'suspect' : 'hostile';
}

export class Picture {
  now_us = 0;
  mode: Mode = 'actual';
  seq = -1;
  readonly tracks = new Map<number, Track>();
  /** Active alerts by area: one area has one level at a time. */
  readonly alerts = new Map<string, Alert>();
  readonly sensors = new Map<string, SensorState & { at_us: number }>();
  /** What partner nations give, by their id. */
  readonly partners = new Map<string, Partner>();
  impacts: Impact[] = [];
  health: Health | null = null;
  desk: Desk = { proposals: [], pending: [], kept: {} };
  /** Whom the trackers do not believe, by sensor, and what instruments contradict. */
  trust: Trust = NOBODY;
  /** Another number whenever the set of areas under alert, or a level, changes; never used twice. */
  levels_version = 0;

  /** Takes one tick in; returns the alarms that are new with it, for the cue. */
  apply(tick: Tick): Alert[] {
    this.now_us = tick.now_us;
    this.mode = tick.mode;
    this.seq = tick.seq;
    if (tick.full) this.forget(tick);
    this.takeTracks(tick);
    for (const id of tick.gone) this.tracks.delete(id);
    const raised = this.takeAlerts(tick);
    for (const [area, arrival_us] of Object.entries(tick.arrivals)) {
      const alert = this.alerts.get(area);
      if (alert) this.alerts.set(area, { ...alert, arrival_us });
    }
    for (const sensor of tick.sensors) this.sensors.set(sensor.id, { ...sensor, at_us: tick.now_us });
    for (const given of tick.partners) this.partners.set(given.id, partnerAfter(this.partners.get(given.id), given, tick.now_us));
    this.impacts = tick.impacts;
    if (tick.health) this.health = tick.health;
    if (tick.desk) this.desk = tick.desk;
    if (tick.trust) this.trust = tick.trust;
    return raised;
  }

  /** A copy that goes on by itself. Tracks and alerts are replaced, never changed, so they can be shared. */
  clone(): Picture {
    const copy = new Picture();
    Object.assign(copy, { now_us: this.now_us, mode: this.mode, seq: this.seq, impacts: this.impacts, health: this.health, desk: this.desk, trust: this.trust });
    for (const [id, track] of this.tracks) copy.tracks.set(id, track);
    for (const [area, alert] of this.alerts) copy.alerts.set(area, alert);
    for (const [id, sensor] of this.sensors) copy.sensors.set(id, sensor);
    for (const [id, partner] of this.partners) copy.partners.set(id, partner);
    copy.levels_version = this.levels_version;
    return copy;
  }

  level(area: string): Level | 'none' {
    return this.alerts.get(area)?.level ?? 'none';
  }

  /** A full picture replaces everything; tracks that are still there keep their trails. */
  private forget(tick: Tick): void {
    const present = new Set(tick.tracks.id);
    for (const id of this.tracks.keys()) if (!present.has(id)) this.tracks.delete(id);
    this.alerts.clear();
    this.sensors.clear();
    this.partners.clear();
    this.trust = NOBODY;
    this.levels_version = ++versions;
  }

  private takeTracks({ tracks: a, now_us }: Tick): void {
    for (let i = 0; i < a.id.length; i++) {
      const id = a.id[i]!;
      const status = STATUSES[a.status[i]!] ?? 'tentative';
      const threat = THREATS[a.threat[i]!] ?? 'other';
      const confidence = a.confidence[i]! / 255;
      const known = this.tracks.get(id);
      const track: Track = {
        id,
        lat: a.lat[i]!,
        lon: a.lon[i]!,
        alt_m: a.alt_m[i]!,
        ve: a.ve[i]!,
        vn: a.vn[i]!,
        p_ee: a.p_ee[i]!,
        p_en: a.p_en[i]!,
        p_nn: a.p_nn[i]!,
        existence: a.existence[i]! / 255,
        confidence,
        status,
        threat,
        affiliation: affiliationOf(status, threat, confidence, a.neutral[i] === 1),
        updated_us: now_us,
        trail: known?.trail ?? [],
        trail_us: known?.trail_us ?? 0,
      };
      // A clock that went back is a rewound replay: the old trail would be drawn through the future.
      if (track.trail_us > now_us) track.trail = [];
      if (track.trail.length === 0 || Math.abs(now_us - track.trail_us) >= TRAIL_STEP_US) {
        track.trail = [...track.trail.slice(-2 * (TRAIL_POINTS - 1)), track.lon, track.lat];
        track.trail_us = now_us;
      }
      this.tracks.set(id, track);
    }
  }

  private takeAlerts(tick: Tick): Alert[] {
    const raised: Alert[] = [];
    for (const message of tick.alerts) {
      const known = this.alerts.get(message.area);
      if (message.end_us !== null) {
        // The end of a span says nothing of the span of the other level that follows it.
        if (known?.identifier !== message.identifier) continue;
        this.alerts.delete(message.area);
        this.levels_version = ++versions;
        continue;
      }
      const eta_s = message.eta_s;
      const arrival_us = eta_s === null || Number.isNaN(eta_s) ? null : message.start_us + eta_s * 1e6;
      const same = known?.identifier === message.identifier;
      const alert: Alert = { ...message, arrival_us: same ? known.arrival_us : arrival_us };
      if (known?.level !== alert.level) {
        this.levels_version = ++versions;
        if (alert.level === 'alarm' && !tick.full) raised.push(alert);
      }
      this.alerts.set(message.area, alert);
    }
    return raised;
  }
}
