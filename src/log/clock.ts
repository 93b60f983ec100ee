let knownSecond = -1;
let knownTime = '';

/** Local time of day, `HH:MM:SS`. Cheap to ask for often. */
export function clockTime(): string {
  const milliseconds = Date.now();
  const second = Math.floor(milliseconds / 1000);
  if (second !== knownSecond) {
    knownSecond = second;
    knownTime = timeOf(new Date(milliseconds));
  }
  return knownTime;
}

/** Local date, time and zone: `2026-11-22 16:18:59 UTC (GMT+0000)`. */
export function dateTime(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const east = -date.getTimezoneOffset();
  const minutes = Math.abs(east);
  const offset = `${east < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  return `${day} ${timeOf(date)} ${zoneName(date)} (GMT${offset})`;
}

/** `H:MM:SS`. */
export function duration(seconds: number): string {
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function timeOf(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
