#!/usr/bin/env node
// Compares the contents of the files that csync2 covers on two hosts. See csync2-compare(1).
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const usage = `Usage: csync2-compare [-C NAME] [-G GROUPS] [-i uid,gid,mod] [-q] [--ssh COMMAND] [--csync2 PROGRAM] HOST1 HOST2

Compares the files that csync2 covers on two hosts by content, type, owner and mode, over ssh.
Prints a line for each difference: L only on HOST1, R only on HOST2, T type, C content, M owner or mode.

  -C NAME            what the configuration csync2_NAME.cfg covers
  -G GROUPS          what these groups cover (a,b,...)
  -i uid,gid,mod     ignore owner, group, mode
  -q                 print nothing
  --ssh COMMAND      in place of ssh; also from the environment, CSYNC2_SSH
  --csync2 PROGRAM   in place of csync2, on both hosts

Exit status: 0 no differences, 1 differences, 2 trouble.
`;

class UsageError extends Error {}

main().then(
  (code) => (process.exitCode = code),
  (error) => {
    const foreseen = error instanceof UsageError || 'code' in error;
    process.stderr.write(`csync2-compare: ${foreseen ? error.message : error.stack}\n`);
    process.exitCode = 2;
  },
);

async function main() {
  const { values, positionals } = readCommandLine();
  if (values.help) return print(usage);
  if (values.version) {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    return print(`csync2-compare ${version}\n`);
  }
  const [one, other] = positionals;
  if (positionals.length !== 2) throw new UsageError('two hosts are needed; see csync2-compare --help');
  const ssh = (values.ssh ?? process.env.CSYNC2_SSH ?? 'ssh').split(/\s+/).filter((word) => word !== '');
  const ignored = (values.ignore ?? '').split(',').filter((word) => word !== '');
  const unknown = ignored.find((word) => !['uid', 'gid', 'mod'].includes(word));
  if (unknown !== undefined) throw new UsageError(`-i takes uid, gid and mod, not ${unknown}`);
  const ask = (host) => {
    const options = [...(values.config ? ['-C', values.config] : []), ...(values.groups ? ['-G', values.groups] : [])];
    return filesOf(host, ssh, { program: values.csync2, options });
  };
  const [ours, theirs] = await Promise.all([ask(one), ask(other)]);
  let differ = false;
  for (const [mark, file] of differences(ours, theirs, ignored)) {
    differ = true;
    if (!values.quiet) print(`${mark}\t${file.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`);
  }
  return differ ? 1 : 0;
}

function readCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        version: { type: 'boolean' },
        quiet: { type: 'boolean', short: 'q' },
        config: { type: 'string', short: 'C' },
        groups: { type: 'string', short: 'G' },
        ignore: { type: 'string', short: 'i' },
        ssh: { type: 'string' },
        csync2: { type: 'string', default: 'csync2' },
      },
    });
  } catch (error) {
    throw new UsageError(`${error.message}; see csync2-compare --help`, { cause: error });
  }
}

/** Byte strings to stdout; always 0. */
function print(text) {
  process.stdout.write(Buffer.from(text, 'latin1'));
  return 0;
}

/** What `collect` finds on a host, by name. The program goes to Node's standard input there: no shell sees a file name. */
async function filesOf(host, ssh, settings) {
  const remote = 'PATH="$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin" exec node -';
  const [command, ...args] = host === 'localhost' ? [process.execPath, '-'] : [...ssh, host, remote];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  // The end of the child says why it did not read.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`(${collect})(${JSON.stringify(settings)});`);
  const ended = new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new UsageError(`${command}: ${error.message}`, { cause: error })));
    child.once('close', resolve);
  });
  const files = new Map();
  let complete = false;
  const read = async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = JSON.parse(line);
      if (found.end) complete = true;
      else files.set(found.file, found);
    }
  };
  const [code] = await Promise.all([ended, read()]);
  if (code !== 0 || !complete) throw new UsageError(`${host}: could not look at all files (exit status ${code})`);
  return files;
}

function* differences(ours, theirs, ignored) {
  const names = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  const properties = ['uid', 'gid', 'mod'].filter((property) => !ignored.includes(property));
  for (const name of names) {
    const [mine, other] = [ours.get(name), theirs.get(name)];
    if (other === undefined) yield ['L', name];
    else if (mine === undefined) yield ['R', name];
    else if (mine.type !== other.type) yield ['T', name];
    else if (mine.content !== other.content) yield ['C', name];
    // Links have no mode of their own.
    else if (properties.some((key) => mine[key] !== other[key] && !(key === 'mod' && mine.type === 'link'))) {
      yield ['M', name];
    }
  }
}

/**
 * Runs on each host, cut out of this file: it can use nothing from outside. Prints a line of JSON for each covered file;
 * strings are byte strings. The last line says that nothing is missing.
 */
function collect({ program, options }) {
  const fs = require('node:fs');
  const { createHash } = require('node:crypto');
  const { spawn: start } = require('node:child_process');
  const { createInterface: readLines } = require('node:readline');
  const list = start(program, [...options, '--json', '-o', '-r', '/'], { stdio: ['ignore', 'pipe', 'inherit'] });
  list.on('error', (error) => stop(`${program}: ${error.message}`));
  const buffer = Buffer.allocUnsafe(1 << 20);
  const read = readAll();
  list.on('close', async (code) => {
    await read;
    if (code !== 0) stop(`${program} -o failed; csync2-compare needs version 3 of it on both hosts`);
    else process.stdout.write('{"end":true}\n');
  });

  async function readAll() {
    for await (const line of readLines({ input: list.stdout })) {
      if (!line.startsWith('{')) continue;
      const found = JSON.parse(line);
      const bytes = (key) =>
        Buffer.from(found[`${key}Base64`] ?? found[key], `${key}Base64` in found ? 'base64' : 'utf8');
      try {
        const facts = factsOf(bytes('path'));
        if (!process.stdout.write(JSON.stringify({ file: bytes('file').toString('latin1'), ...facts }) + '\n')) {
          await new Promise((resolve) => process.stdout.once('drain', resolve));
        }
      } catch (error) {
        stop(error.message);
      }
    }
  }

  function factsOf(path) {
    const stats = fs.lstatSync(path);
    const facts = { uid: stats.uid, gid: stats.gid, mod: stats.mode & 0o7777 };
    if (stats.isFile()) return { ...facts, type: 'file', content: digest(path) };
    if (stats.isSymbolicLink()) return { ...facts, type: 'link', content: fs.readlinkSync(path, 'latin1') };
    if (stats.isDirectory()) return { ...facts, type: 'directory' };
    if (stats.isFIFO()) return { ...facts, type: 'fifo' };
    if (stats.isSocket()) return { ...facts, type: 'socket' };
    return { ...facts, type: stats.isBlockDevice() ? 'block' : 'character', content: stats.rdev };
  }

  function digest(path) {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
    const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const hash = createHash('sha256');
      for (let length = fs.readSync(fd, buffer); length > 0; length = fs.readSync(fd, buffer)) {
        hash.update(buffer.subarray(0, length));
      }
      return hash.digest('hex');
    } finally {
      fs.closeSync(fd);
    }
  }

  function stop(message) {
    process.stderr.write(`csync2-compare: ${message}\n`);
    process.exitCode = 2;
  }
}
