/** Numbers and times as the screens write them. */

/** 14:03:09 UTC of a time in µs. */
export function clock(us: number): string {
  return us > 0 ? new Date(us / 1000).toISOString().slice(11, 19) : '--:--:--';
}

/** 2025-09-07 of a time in µs. */
export function day(us: number): string {
  return us > 0 ? new Date(us / 1000).toISOString().slice(0, 10) : '';
}

/** 12:05, or 1:02:03 from an hour on; never below 0:00. */
export function countdown(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function speedKmh(ve: number, vn: number): number {
  return Math.hypot(ve, vn) * 3.6;
}

/** Course over ground, degrees from north, 0..360. */
export function courseDeg(ve: number, vn: number): number {
  return ((Math.atan2(ve, vn) * 180) / Math.PI + 360) % 360;
}

export function courseText(ve: number, vn: number): string {
  return `${String(Math.round(courseDeg(ve, vn)) % 360).padStart(3, '0')}°`;
}

/** Metres rounded to tens: an altitude is not known to the metre. */
export function altitude(metres: number): string {
  return Number.isFinite(metres) ? String(Math.round(metres / 10) * 10) : '–';
}
