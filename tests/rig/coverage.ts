/** Each process that is measured takes half as long again: the second product of a file runs hardly a line that is new. */
const MEASURED_IN_A_FILE = 1;
let measured = 0;

/**
 * What has a process, and all it starts, leave what it covered in the folder TMOPS_COVERAGE names, when that is set; for
 * programs that were bundled from src with a source map beside them. The tests' own processes are measured by vitest.
 */
export function coverageEnvironment(): Record<string, string> {
  const dir = process.env['TMOPS_COVERAGE'];
  measured += 1;
  return dir === undefined || measured > MEASURED_IN_A_FILE ? {} : { NODE_V8_COVERAGE: dir };
}

/** The same command with the same flags runs the same lines: its second process is not measured. */
export function measuredOnce(
  env: Readonly<Record<string, string>>,
): (args: readonly string[]) => Readonly<Record<string, string>> {
  const unmeasured = Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'NODE_V8_COVERAGE'));
  const seen = new Set<string>();
  return (args) => {
    const flags = args.filter((word) => word.startsWith('--'));
    const kind = [args.find((word) => !word.startsWith('-')), ...flags].join(' ');
    if (seen.has(kind)) return unmeasured;
    seen.add(kind);
    return env;
  };
}
