/** How far one piece of work is. */
export interface Pace {
  /** The peer, or what is done. */
  readonly label: string;
  readonly done: number;
  /** Undefined: nobody knows. */
  readonly of: number | undefined;
  /** What else there is to say of it, as in `45 MB`; in short as in `45M`. */
  readonly facts: readonly { readonly long: string; readonly short: string }[];
  readonly secondsLeft: number | undefined;
}

/**
 * All that is under way in one line of at most `width` columns: in words if there is room, else in figures, else as many as
 * there is room for, beginning with another one each `turn`.
 */
export function progressLine(paces: readonly Pace[], width: number, turn: number): string {
  for (const form of [inWords, inFigures]) {
    const line = paces.map(form).join(between);
    if (line.length <= width) return line;
  }
  const first = turn % paces.length;
  const rest = [...paces.slice(first), ...paces.slice(0, first)].map(inFigures);
  let line = (rest.shift() ?? '').slice(0, width);
  while (rest.length > 0) {
    const more = between + (rest[0] ?? '');
    if ((line + more + others(rest.length - 1)).length > width) break;
    line += more;
    rest.shift();
  }
  return (line + others(rest.length)).length > width ? line : line + others(rest.length);
}

const between = ' | ';

function others(count: number): string {
  return count === 0 ? '' : `${between}+${count}`;
}

function inWords({ label, done, of, facts, secondsLeft }: Pace): string {
  const files = of === undefined ? `${done} files` : `${done} of ${of} files`;
  const left = secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`];
  return `${label}: ${[files, ...facts.map(({ long }) => long), ...left].join(', ')}`;
}

function inFigures({ label, done, of, facts, secondsLeft }: Pace): string {
  const left = secondsLeft === undefined ? [] : [duration(secondsLeft)];
  return [label, of === undefined ? done : `${done}/${of}`, ...facts.map(({ short }) => short), ...left].join(' ');
}

/** With two figures of it. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours}h${twoDigits(minutes)}m`;
  return minutes > 0 ? `${minutes}m${twoDigits(whole % 60)}s` : `${whole}s`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

const units = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** Bytes with a unit, in decimal, at most three digits before the point: `45.2 MB`, `45.2M`. */
export function size(bytes: number): { readonly long: string; readonly short: string } {
  let [value, power] = [bytes, 0];
  for (; value >= 999.5 && power < units.length - 1; power++) value /= 1000;
  const text = power > 0 && value < 99.95 ? value.toFixed(1) : value.toFixed(0);
  const unit = units[power] ?? '';
  return { long: `${text} ${unit}B`, short: text + unit };
}
