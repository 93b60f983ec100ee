import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Part, differences } from './compare.ts';
import { type Pairing, isInstalled, isRoot, pairingName, pairings, uses, whyNot } from './programs.ts';
import { type Step, World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** How many; 2 when not said. The first one acts. */
  readonly hosts?: number;
  /** Given to all hosts, see World.configure. `group` alone stands for the usual one group of all hosts. */
  readonly config?: string;
  /** Sets up, runs commands, and asserts what must be true whichever program runs. */
  readonly run: (world: World) => Promise<void>;
  /** Also over TLS; plain alone otherwise, since little depends on the transport. */
  readonly tls?: boolean;
  /** What is not compared with the reference, and why. */
  readonly exempt?: readonly Part[];
  readonly why?: string;
  /** False where the C program cannot do it at all: then only ours with ours runs. */
  readonly reference?: boolean;
  /** Which pairings make sense; all when not said. */
  readonly only?: (pairing: Pairing) => boolean;
  readonly root?: boolean;
}

/** The usual configuration: one group, everything below `%t%`, plus more group statements. */
export function group(more = '', hosts = '$1 $2'): string {
  return `group g {\n  host ${hosts};\n  key k;\n  include %t%;\n  ${more}\n}\n`;
}

const referencePairing = pairings[0] as Pairing;
const wanted = process.env['SCENARIO'];
const wantedPairing = process.env['PAIRING']?.replace('->', '→');
const wantedTransport = process.env['TRANSPORT'];
const limit = 120_000;

/** One test for each scenario, pairing and transport; at most eight at a time. */
export function scenarios(topic: string, list: readonly Scenario[]): void {
  describe(topic, { concurrency: 8 }, () => {
    for (const scenario of list) {
      if (wanted !== undefined && !scenario.name.includes(wanted)) continue;
      for (const transport of scenario.tls === true ? ['plain', 'tls'] : ['plain']) {
        if (wantedTransport !== undefined && wantedTransport !== transport) continue;
        register(scenario, transport === 'tls');
      }
    }
  });
}

function register(scenario: Scenario, tls: boolean): void {
  let reference: Promise<readonly Step[]> | undefined;
  const runReference = (): Promise<readonly Step[]> => (reference ??= play(scenario, referencePairing, tls));
  for (const pairing of pairings) {
    if (!makesSense(scenario, pairing)) continue;
    const name = pairingName(pairing);
    if (wantedPairing !== undefined && wantedPairing !== name) continue;
    test(`${scenario.name} [${name}${tls ? ', tls' : ''}]`, { timeout: limit }, async (t) => {
      const reason = scenario.root === true && !isRoot ? 'skipped: needs root' : whyNot(pairing);
      if (reason !== undefined) return t.skip(reason);
      if (pairing === referencePairing) return void (await runReference());
      const steps = await play(scenario, pairing, tls);
      if (!isInstalled('c') || !makesSense(scenario, referencePairing)) return;
      const expected = await runReference().catch(() => undefined);
      if (expected === undefined) return t.diagnostic('nothing to compare with: the reference failed');
      const exempt = new Set(scenario.exempt ?? []);
      assert.deepEqual(differences(expected, steps, pairing, exempt), []);
    });
  }
}

function makesSense(scenario: Scenario, pairing: Pairing): boolean {
  if (scenario.reference === false && uses(pairing, 'c')) return false;
  return scenario.only?.(pairing) ?? true;
}

async function play(scenario: Scenario, pairing: Pairing, tls: boolean): Promise<readonly Step[]> {
  const world = await World.create({ pairing, tls, hosts: scenario.hosts ?? 2 });
  try {
    if (scenario.config !== undefined) world.configure(scenario.config);
    await scenario.run(world);
    return world.steps;
  } finally {
    if (process.env['SHOW'] !== undefined) console.log(JSON.stringify(world.steps, null, 1));
    await world.close();
  }
}
