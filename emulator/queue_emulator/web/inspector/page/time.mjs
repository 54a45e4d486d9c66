/** Times and numbers for people. */

const DATE_MS_MAX = 8.64e15; // JavaScript knows no later date; a key may expire later

export const clockTime = (ms) => new Date(Math.min(ms, DATE_MS_MAX)).toISOString().slice(11, 23);
export const dateTime = (ms) => (ms > DATE_MS_MAX ? "after the year 275760" : new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC"));
export const number = (value) => Number(value).toLocaleString("en");

/** 41 s, 4 min 10 s, 3 h 5 min, 12 d. */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ""}`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ""}`;
  return `${number(Math.floor(s / 86_400))} d`;
}

export function bytes(count) {
  if (count < 1024) return `${count} byte${count === 1 ? "" : "s"}`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 / 1024).toFixed(1)} MiB`;
}
