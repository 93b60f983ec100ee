// Which room may import which. Data flows one way:
// cli -> config -> groups -> scan -> store -> sync <-> wire <-> session -> filesystem -> store -> actions.
// The same table, with what each room is for, stands in src/README.md.
const rooms = {
  bytes: [],
  config: ['bytes'],
  patterns: ['bytes'],
  entry: ['bytes'],
  protocol: ['bytes'],
  librsync: [],
  log: ['bytes'],
  groups: ['bytes', 'config', 'patterns'],
  filesystem: ['bytes', 'entry', 'log'],
  store: ['bytes', 'entry', 'log'],
  transport: ['bytes', 'log'],
  backups: ['bytes', 'groups', 'filesystem', 'log'],
  actions: ['bytes', 'groups', 'filesystem', 'store', 'log'],
  scan: ['bytes', 'groups', 'entry', 'filesystem', 'store', 'log', 'actions'],
  sync: ['bytes', 'groups', 'entry', 'protocol', 'librsync', 'transport', 'filesystem', 'store', 'actions', 'log'],
  session: [
    'bytes',
    'groups',
    'entry',
    'protocol',
    'librsync',
    'transport',
    'filesystem',
    'store',
    'actions',
    'log',
    'scan',
    'backups',
  ],
  daemon: ['bytes', 'groups', 'session', 'transport', 'store', 'log'],
};

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `${room}/ may import only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'no-circular',
      comment: 'A cycle means two files that are one thing, or one thing in the wrong file.',
      severity: 'error',
      from: {},
      // Types alone may refer to each other: nothing is loaded for them.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only-cli-picks-a-back-end',
      comment: 'Everything but cli/ sees the Store interface only; the back ends are swapped there.',
      severity: 'error',
      from: { path: '^src/(?!cli/|store/)' },
      to: { path: '^src/store/(sqlite|postgres|mysql)/' },
    },
    {
      name: 'only-cli-picks-a-transport',
      comment: 'sync/ and session/ see the Channel interface; the daemon accepts and cli connects.',
      severity: 'error',
      from: { path: '^src/(?!cli/|daemon/|transport/)' },
      to: { path: '^src/transport/(?!channel[.]ts)' },
    },
    {
      name: 'child-processes',
      comment:
        'Programs are run for actions, for syslog, for mknod, mkfifo and sync, for diff, and to tell systemd; nowhere else.',
      severity: 'error',
      from: {
        path: '^src/(?!actions/|log/|filesystem/(specialFile|flush)[.]ts|cli/diff[.]ts|daemon/serviceManager[.]ts)',
      },
      to: { path: '^(node:)?child_process$', dependencyTypes: ['core'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^src/librsync/assembly/|[.]generated[.]js$)' },
  },
};
