import { paths } from '../../scenarios/harness/programs.ts';
import type { HistoryOptions } from './history.ts';

const setUp = `
work=$(mktemp -d /tmp/csync2-history.XXXXXX)
key=$(printf 'k%.0s' {1..40})
network=127.77.$((RANDOM % 250))
hosts=$(for ((at = 1; at <= \${#programs[@]}; at++)); do echo "$network.$at"; done)
servers=()
csync2() { # AT ARGUMENT...: csync2 on one host
  local at=$1
  shift
  CSYNC2_SYSTEM_DIR=$work/h$at/etc "\${programs[at - 1]}" -N "$network.$at" -D "$work/h$at/db" "$@"
}
edit() { (cd "$work/h$1/tree" && eval "$2") || true; }
run() { # 'AT...' ARGUMENT...: at the same moment on some hosts
  local at pids=()
  for at in $1; do csync2 "$at" "\${@:2}" & pids+=($!); done
  wait "\${pids[@]}" || echo "exit $? of $*"
}
for ((at = 1; at <= \${#programs[@]}; at++)); do
  mkdir -p "$work/h$at"/{tree,etc,db}
  (umask 077 && echo "$key" >"$work/h$at/etc/k")
done
for ((at = 1; at <= \${#programs[@]}; at++)); do
  {
    echo "nossl * *; prefix t {"
    for ((on = 1; on <= \${#programs[@]}; on++)); do echo "on $network.$on: $work/h$on/tree;"; done
    echo "} group g { host" $hosts "; key k; include %t%; $auto }"
  } >"$work/h$at/etc/csync2.cfg"
  csync2 "$at" -cIr /
  csync2 "$at" -ii >"$work/h$at/log" 2>&1 & servers+=($!)
done
trap 'kill "\${servers[@]}"; echo "all there is: $work"' EXIT
sleep 1
`;

/** A shell script that does what a history did; it ends with what differs and what is dirty. */
export function replayScript(options: HistoryOptions, lines: readonly string[]): string {
  const { programs, auto, ...rest } = options;
  return [
    '#!/usr/bin/env bash',
    `# ${JSON.stringify({ programs, auto, ...rest })}`,
    `programs=(${programs.map((program) => paths[program]).join(' ')})`,
    `auto='${auto === 'none' ? '' : `auto ${auto};`}'`,
    setUp,
    ...lines,
    ...programs.slice(1).map((_, index) => `diff -r "$work/h1/tree" "$work/h${index + 2}/tree"`),
    'for ((at = 1; at <= ${#programs[@]}; at++)); do csync2 "$at" -M; done',
    '',
  ].join('\n');
}
