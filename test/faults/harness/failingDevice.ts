import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from '../../scenarios/harness/programs.ts';

// Without udev the device mapper makes its nodes itself, when it is told so.
const env = { ...process.env, ...(existsSync('/run/udev/control') ? {} : { DM_DISABLE_UDEV: '1' }) };

function run(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env,
    input,
    encoding: 'latin1',
    timeout: 60_000,
  });
  if (status === 0) return stdout.trim();
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function whyMissing(): string | false {
  if (!isRoot) return 'skipped: only root makes block devices';
  spawnSync('modprobe', ['-a', 'loop', 'dm-mod']);
  for (const command of ['dmsetup', 'losetup', 'mkfs.ext4', 'debugfs']) {
    if (spawnSync(command, ['--version']).error !== undefined) return `skipped: ${command} is not installed`;
  }
  const { status } = spawnSync('dmsetup', ['version'], { env });
  return status === 0 ? false : 'skipped: this kernel has no device mapper';
}

export const deviceMissing = whyMissing();

const sectorsOfBlock = 8;

/** An ext4 file system of some hundred megabytes on a block device that can be made to fail. */
export class FailingDevice {
  readonly #directory = mkdtempSync(join(tmpdir(), 'csync2-device-'));
  readonly #name = `csync2-test-${process.pid}`;
  readonly #below: string;
  readonly #sectors: number;
  #place: string | undefined;

  constructor() {
    const file = join(this.#directory, 'image');
    const fd = openSync(file, 'w');
    ftruncateSync(fd, 256 << 20);
    closeSync(fd);
    this.#below = run('losetup', ['-f', '--show', file]);
    this.#sectors = Number(run('blockdev', ['--getsz', this.#below]));
    run('dmsetup', ['create', this.#name], this.#linear(0, this.#sectors));
    run('mkfs.ext4', ['-q', '-b', '4096', this.#path]);
  }

  mount(directory: string): void {
    run('mount', [this.#path, directory]);
    this.#place = directory;
  }

  sync(): void {
    if (this.#place !== undefined) run('sync', ['-f', this.#place]);
  }

  unmount(): void {
    if (this.#place !== undefined) run('umount', [this.#place]);
    this.#place = undefined;
  }

  /** The number of the block that holds this part, counted in blocks of 4 KiB, of a file of the unmounted file system. */
  block(path: string, part: number): number {
    return Number(
      run('debugfs', ['-R', `bmap ${path} ${part}`, this.#path])
        .split('\n')
        .at(-1),
    );
  }

  /** From now on these blocks can neither be read nor written. */
  breakBlocks(blocks: readonly number[]): void {
    const lines: string[] = [];
    let at = 0;
    for (const block of [...blocks].sort((a, b) => a - b)) {
      const from = block * sectorsOfBlock;
      lines.push(this.#linear(at, from), `${from} ${sectorsOfBlock} error`);
      at = from + sectorsOfBlock;
    }
    this.#become([...lines, this.#linear(at, this.#sectors)].join('\n'));
  }

  /** Nothing gets to the disk any more, and what has not is lost: the power is gone. */
  cut(): void {
    this.#become(`0 ${this.#sectors} error`);
  }

  mend(): void {
    this.#become(this.#linear(0, this.#sectors));
  }

  close(): void {
    this.unmount();
    run('dmsetup', ['remove', this.#name]);
    run('losetup', ['-d', this.#below]);
    rmSync(this.#directory, { recursive: true });
  }

  get #path(): string {
    return `/dev/mapper/${this.#name}`;
  }

  #linear(from: number, to: number): string {
    return `${from} ${to - from} linear ${this.#below} ${from}`;
  }

  #become(table: string): void {
    run('dmsetup', ['load', this.#name], table);
    run('dmsetup', ['suspend', '--noflush', '--nolockfs', this.#name]);
    run('dmsetup', ['resume', this.#name]);
  }
}
