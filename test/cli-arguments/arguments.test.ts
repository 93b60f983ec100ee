import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  parseArguments,
  portNumber,
  type Invocation,
  type ModeArguments,
  type Options,
} from '../../src/cli/arguments.ts';

const parse = (...args: string[]) => parseArguments(args, { version: '3.1.4', optionsFirst: false });

function run(...args: string[]): Invocation {
  const parsed = parse(...args);
  assert.equal(parsed.outcome, 'run', `${args.join(' ')}: ${JSON.stringify(parsed)}`);
  return (parsed as { invocation: Invocation }).invocation;
}

test('each mode with its arguments', () => {
  const files = ['/a', 'b'];
  const pair = { myname: 'me', peer: 'you' };
  const table: [string[], ModeArguments][] = [
    [['-h', ...files], { mode: 'hint', files }],
    [['-c'], { mode: 'check', files: [] }],
    [['-c', ...files], { mode: 'check', files }],
    [['-u', ...files], { mode: 'update', files }],
    [['-cu'], { mode: 'check-and-update', files: [] }],
    [['-c', '-u', '/a'], { mode: 'check-and-update', files: ['/a'] }],
    [['-x', ...files], { mode: 'synchronize', files }],
    [['-o', ...files], { mode: 'cover', files }],
    [['-f', ...files], { mode: 'force', files }],
    [['-m', ...files], { mode: 'mark', files }],
    [['-H'], { mode: 'list-hints' }],
    [['-L'], { mode: 'list-files' }],
    [['-M'], { mode: 'list-dirty' }],
    [['-R'], { mode: 'remove-old' }],
    [['-S', 'me', 'you'], { mode: 'list-pair', pair }],
    [['-T'], { mode: 'compare', diffs: false, pair: undefined, file: undefined }],
    [['-T', '/a'], { mode: 'compare', diffs: false, pair: undefined, file: '/a' }],
    [['-TT', 'me', 'you'], { mode: 'compare', diffs: true, pair, file: undefined }],
    [['-T', 'me', 'you', '/a'], { mode: 'compare', diffs: false, pair, file: '/a' }],
    [['-i'], { mode: 'serve', listener: 'inetd' }],
    [['-ii'], { mode: 'serve', listener: 'stand-alone' }],
    [['-i', '-v', '-ii'], { mode: 'serve', listener: 'one-connection' }],
    [['--forget-mount', ...files], { mode: 'forget-mount', files }],
    [['-k', '-odd'], { mode: 'create-key', file: '-odd' }],
  ];
  for (const [args, expected] of table) {
    const { options, ...rest } = run(...args);
    assert.deepEqual(rest, expected, args.join(' '));
    assert.equal(options.verbosity, args.includes('-v') ? 1 : 0);
  }
});

test('letters are bundled, arguments follow or are attached, options may stand after files', () => {
  const table: [string[], Partial<Options>, readonly string[]][] = [
    [['-cIr', '/a'], { initRun: true, recursive: true }, ['/a']],
    [['-xv', '-vv'], { verbosity: 3 }, []],
    [['-xNHost.EXAMPLE'], { hostName: 'host.example' }, []],
    [['-xvN', 'h', '/a'], { hostName: 'h', verbosity: 1 }, ['/a']],
    [['-c', '/a', '-r', '/b', '-F'], { recursive: true, force: true }, ['/a', '/b']],
    [['-c', '--', '-r', '--help'], { recursive: false }, ['-r', '--help']],
    [['-c', '-'], {}, ['-']],
    [['-c', 'help'], {}, ['help']],
    [['-xN', '-v', '-p80'], { hostName: '-v', port: '80', verbosity: 0 }, []],
    [['-x', '-G', 'a,b', '-G', 'c', '-P', 'p1,,p2,'], { groups: ['c'], peers: ['p1', 'p2'] }, []],
    [['-xdBAXUtl'], { dryRun: true, smallTransactions: true, unsafe: true, markRemovals: true }, []],
    [['-xtlUX'], { timestamps: true, syslog: true, onlyThisPeer: true }, []],
    [['-x', '-D/db', '-s', 'stamps', '-W3'], { database: '/db', timestampFile: 'stamps', directoryDescriptor: 3 }, []],
    [['-x', '-C', 'abc09'], { configName: 'abc09' }, []],
    [['-x', '-C', ''], { configName: '' }, []],
    [['-c', 'caf\xc3\xa9\xff'], {}, ['caf\xc3\xa9\xff']],
  ];
  for (const [args, options, files] of table) {
    const invocation = run(...args);
    assert.deepEqual('files' in invocation ? invocation.files : undefined, files, args.join(' '));
    for (const [key, value] of Object.entries(options)) {
      assert.deepEqual(invocation.options[key as keyof Options], value, `${args.join(' ')}: ${key}`);
    }
  }
});

test('an inetd server logs to syslog, other modes when told to', () => {
  assert.equal(run('-i').options.syslog, true);
  assert.equal(run('-ii').options.syslog, false);
  assert.equal(run('-iil').options.syslog, true);
});

test('where the environment asks for POSIX rules, options end at the first file', () => {
  const parsed = parseArguments(['-c', '/a', '-r'], { version: '1', optionsFirst: true });
  assert.equal(parsed.outcome, 'run');
  const { invocation } = parsed as { invocation: Invocation };
  assert.deepEqual('files' in invocation && invocation.files, ['/a', '-r']);
  assert.equal(invocation.options.recursive, false);
});

test('help and version go to stdout with exit code 0', () => {
  const help = parse('--help');
  assert.equal(help.outcome === 'print' && help.exitCode, 0);
  assert.match(help.outcome === 'print' ? help.text : '', /^Usage: csync2 /);
  assert.deepEqual(parse('--version'), {
    outcome: 'print',
    text: 'csync2 3.1.4\n',
    complaint: undefined,
    exitCode: 0,
  });
});

test('every letter is in the help', () => {
  const help = parse('--help');
  const text = help.outcome === 'print' ? help.text : '';
  for (const letter of 'WsFtpGPCDNHBAIXULlSTMRvhcuoimfxrdk') assert.match(text, new RegExp(`^  -${letter} `, 'm'));
});

test('what is refused with a message of its own', () => {
  assert.deepEqual(parse('-H', '-C', 'Bad-Name'), {
    outcome: 'refuse',
    message: 'Config names are limited to [a-z0-9]+.',
  });
  assert.deepEqual(parse('-R', '-G', 'g'), { outcome: 'refuse', message: 'Never run -R with -G!' });
  assert.equal(parse('-c', '-W', 'abc').outcome, 'refuse');
});

test('ports are numbers or service names', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cli-'));
  try {
    const services = join(directory, 'services');
    writeFileSync(services, '# port\nhttp\t80/tcp www # web\nsnmp 161/udp\ncsync2 30865/tcp\n');
    assert.equal(portNumber('30865'), 30865);
    assert.equal(portNumber('65536'), undefined);
    assert.equal(portNumber('www', services), 80);
    assert.equal(portNumber('csync2', services), 30865);
    assert.equal(portNumber('snmp', services), undefined);
    assert.equal(portNumber('web', services), undefined);
    assert.equal(portNumber('x', join(directory, 'none')), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Command lines that are usage errors, and some that are not (none that serves). */
const commandLines: readonly string[][] = ([[]] as string[][]).concat(
  `
  -q | -k | -N | - | -I | -v | -C nope | -C BAD | --H | --nonsense | -5 | -c -5 | -0 | -c-r
  -k a b | -k x -v | -v -k x | -kx | -H -k x | -ck x
  -c -h | -u -c | -uc | -cx | -xu | -cc | -uu | -xx | -HH | -HL | -RR | -ff a | -mm a | -hh a | -oo a | -SS a b | -TL
  -HT | -iT | -ux | -cux | -cuT | -cuc | -cuu | -iiii | -TiT | -II | -cII /a
  -H a | -L a | -M a | -R a | -ii a | -i a | -S | -S a | -S a b c | -T a b c d | -TT a b c d
  -h | -f | -m | -o | -c | -u | -x | -cu | -c -u | -H | -L | -M | -R | -S a b | -T | -TTT | -T a b c
  -c /a -r | -c -- -r | -cvvNx /a | -H -p abc | -TIXU | -cIr | -x -P a,`
    .trim()
    .split(/\s*[|\n]\s*/)
    .map((line) => line.split(' ')),
);

test('usage errors are the same as those of the C program', (t) => {
  const program = '/usr/sbin/csync2';
  const directory = mkdtempSync(join(tmpdir(), 'cli-'));
  try {
    // Without a configuration the C program stops where it would begin to work.
    const env: NodeJS.ProcessEnv = { ...process.env, CSYNC2_SYSTEM_DIR: directory };
    delete env['POSIXLY_CORRECT'];
    if (!existsSync(program)) return t.skip('skipped: no /usr/sbin/csync2 to compare with');
    for (const args of commandLines) {
      const { stdout, status } = spawnSync(program, args, {
        env,
        encoding: 'latin1',
        cwd: directory,
        input: '',
        timeout: 60_000,
      });
      const parsed = parse(...args);
      assert.equal(status, 1, args.join(' '));
      const isUsage = parsed.outcome === 'print';
      assert.equal(isUsage, stdout.includes('Usage: '), `${args.join(' ')}: ${JSON.stringify(parsed).slice(0, 200)}`);
      if (isUsage) assert.equal(parsed.exitCode, 1);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the bytes of arguments that are not UTF-8 arrive whole', () => {
  const module = new URL('../../src/cli/arguments.ts', import.meta.url).href;
  const code = `
    import { ownArguments } from '${module}';
    process.stdout.write(JSON.stringify(ownArguments()));`;
  const directory = mkdtempSync(join(tmpdir(), 'cli-'));
  try {
    const script = join(directory, 'script.mjs');
    writeFileSync(script, code);
    const arguments_ = (...args: string[]) => {
      const words = args.map((word) => `"$(printf -- '${word}')"`).join(' ');
      const { stdout } = spawnSync('sh', ['-c', `exec "$0" --import tsx "$1" ${words}`, process.execPath, script], {
        encoding: 'utf8',
      });
      return JSON.parse(stdout) as string[];
    };
    assert.deepEqual(arguments_('-c', '/caf\\303\\251'), ['-c', '/caf\xc3\xa9']);
    assert.deepEqual(arguments_('-c', '/caf\\351', '', '/\\303\\251', ''), ['-c', '/caf\xe9', '', '/\xc3\xa9', '']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
