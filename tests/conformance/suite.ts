import type { Fetched } from './fetched.ts';

/** What was checked, and what of it is wrong. */
export interface Verdict {
  readonly name: string;
  /** Scenarios, or lists of tools. */
  readonly passed: number;
  /** One entry for each that did not pass. */
  readonly wrong: readonly string[];
}

/**
 * Runs all server scenarios of the suite that are about one version of the protocol. Each that the suite lists has to be run,
 * and to prove something: the suite calls one that had nothing to look at passed as well.
 */
export async function allScenarios(suite: Fetched, url: string, version: string): Promise<Verdict> {
  const listed = await suite.run(['list', '--server']);
  const wanted = [...listed.stdout.matchAll(/^ {2}- (\S+) \[([^\]]*)\]$/gm)].flatMap(([, name = '', versions = '']) =>
    versions.split(',').includes(version) ? [name] : [],
  );
  const ran = await suite.run(['server', '--url', url, '--suite', 'all', '--spec-version', version]);
  const counts = new Map(
    [...ran.stdout.matchAll(/^\S (\S+): (\d+) passed, (\d+) failed$/gm)].map(([, name, passed, failed]) => [
      name,
      { passed: Number(passed), failed: Number(failed) },
    ]),
  );
  const wrong = wanted.flatMap((name) => {
    const count = counts.get(name);
    if (!count) return [`${name}: was not run`];
    if (count.failed > 0) return [`${name}: ${count.failed} failed`];
    return count.passed > 0 ? [] : [`${name}: nothing was checked`];
  });
  if (wanted.length === 0) wrong.push('the suite lists no scenario');
  const isWrong = wrong.length > 0 || ran.exitCode !== 0;
  return {
    name: `all of protocol ${version}, ${suite.name}`,
    passed: wanted.length - wrong.length,
    wrong: isWrong ? [...wrong, `exit code ${ran.exitCode ?? 'none'}`, `${ran.stdout}\n${ran.stderr}`.trim()] : [],
  };
}

/** Runs one scenario by its name. */
export async function oneScenario(suite: Fetched, url: string, scenario: string): Promise<Verdict> {
  const ran = await suite.run(['server', '--url', url, '--scenario', scenario]);
  const proved = /^Passed: ([1-9]\d*)\/\1, 0 failed/m.test(ran.stdout);
  const isRight = ran.exitCode === 0 && proved;
  return {
    name: `${scenario}, ${suite.name}`,
    passed: isRight ? 1 : 0,
    wrong: isRight ? [] : [`${ran.stdout}\n${ran.stderr}`.trim()],
  };
}
