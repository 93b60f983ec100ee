import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { fsPath } from '../../../src/bytes/bytes.ts';

/** What mtime every file gets that says nothing else: runs are compared with each other. */
export const defaultTime = 1_700_000_000;

export interface Attributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

/** A directory that a scenario fills and inspects. Names are byte strings relative to it. */
export class Tree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    fs.mkdirSync(root, { recursive: true });
    fs.chmodSync(root, 0o755);
  }

  path(name: string): string {
    return name === '' ? this.root : join(this.root, name);
  }

  write(name: string, content: string | Buffer, attributes: Attributes = {}): void {
    const path = fsPath(this.path(name));
    fs.writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    this.set(name, { mode: 0o644, mtime: defaultTime, ...attributes });
  }

  mkdir(name: string, attributes: Attributes = {}): void {
    fs.mkdirSync(fsPath(this.path(name)), { recursive: true });
    this.set(name, { mode: 0o755, ...attributes });
  }

  symlink(name: string, target: string): void {
    fs.symlinkSync(fsPath(target), fsPath(this.path(name)));
  }

  hardlink(name: string, existing: string): void {
    fs.linkSync(fsPath(this.path(existing)), fsPath(this.path(name)));
  }

  fifo(name: string, attributes: Attributes = {}): void {
    execFileSync('mkfifo', ['--', this.path(name)]);
    this.set(name, { mode: 0o644, mtime: defaultTime, ...attributes });
  }

  device(name: string, type: 'b' | 'c', major: number, minor: number, attributes: Attributes = {}): void {
    execFileSync('mknod', ['--', this.path(name), type, String(major), String(minor)]);
    this.set(name, { mode: 0o600, mtime: defaultTime, ...attributes });
  }

  /** A socket that nobody listens on. Made under a short name, since a socket's path has little room. */
  async socket(name: string, attributes: Attributes = {}): Promise<void> {
    const short = join(dirname(this.root), 's');
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(short, resolve));
    fs.renameSync(short, fsPath(this.path(name)));
    await new Promise((resolve) => server.close(resolve));
    this.set(name, { mode: 0o755, mtime: defaultTime, ...attributes });
  }

  set(name: string, attributes: Attributes): void {
    const path = fsPath(this.path(name));
    const { mode, uid, gid, mtime } = attributes;
    if (uid !== undefined || gid !== undefined) fs.lchownSync(path, uid ?? 0, gid ?? 0);
    if (mode !== undefined) fs.chmodSync(path, mode);
    if (mtime === undefined) return;
    // Node takes a negative time for the present.
    if (mtime < 0) execFileSync('touch', ['-d', `@${mtime}`, '--', this.path(name)]);
    else fs.utimesSync(path, mtime, mtime);
  }

  remove(name: string): void {
    fs.rmSync(fsPath(this.path(name)), { recursive: true });
  }

  rename(from: string, to: string): void {
    fs.renameSync(fsPath(this.path(from)), fsPath(this.path(to)));
  }

  /** The content as a byte string; undefined when there is no such file. */
  read(name: string): string | undefined {
    const path = fsPath(this.path(name));
    return fs.existsSync(path) ? fs.readFileSync(path, 'latin1') : undefined;
  }

  has(name: string): boolean {
    return fs.lstatSync(fsPath(this.path(name)), { throwIfNoEntry: false }) !== undefined;
  }

  lines(name: string): string[] {
    return (this.read(name) ?? '').split('\n').filter((line) => line !== '');
  }

  /** Names below this tree, in byte order. */
  names(): string[] {
    return list(this.root, '').map(([name]) => name);
  }

  /** One line per object: type, mode, owner, size and time of regular files, content, link target, device number. */
  snapshot(): string[] {
    return list(this.root, '').map(([name, stat]) => `${name} ${describe(this.path(name), stat)}`);
  }
}

function list(root: string, below: string): [string, fs.Stats][] {
  const directory = fsPath(below === '' ? root : join(root, below));
  const found: [string, fs.Stats][] = [];
  for (const entry of fs.readdirSync(directory, 'latin1').sort()) {
    const name = below === '' ? entry : `${below}/${entry}`;
    const stat = fs.lstatSync(fsPath(join(root, name)));
    found.push([name, stat]);
    if (stat.isDirectory()) found.push(...list(root, name));
  }
  return found;
}

function describe(path: string, stat: fs.Stats): string {
  const owned = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
  const time = Math.floor(stat.mtimeMs / 1000);
  if (stat.isDirectory()) return `dir ${owned}`;
  if (stat.isSymbolicLink()) return `link ${stat.uid}:${stat.gid} → ${fs.readlinkSync(fsPath(path), 'latin1')}`;
  if (stat.isFile()) return `file ${owned} ${time} ${content(path, stat.size)}`;
  if (stat.isFIFO()) return `fifo ${owned} ${time}`;
  if (stat.isSocket()) return `socket ${owned}`;
  return `${stat.isBlockDevice() ? 'block' : 'character'} ${owned} ${stat.rdev >> 8},${stat.rdev & 255}`;
}

/** Short texts as they are, all else by size and hash; sparse giants by size only. */
function content(path: string, size: number): string {
  if (size > 64 << 20) return `${size} bytes`;
  const bytes = fs.readFileSync(fsPath(path));
  if (size <= 40) return JSON.stringify(bytes.toString('latin1'));
  return `${size} bytes ${createHash('sha1').update(bytes).digest('hex').slice(0, 12)}`;
}
