/**
 * What has a process, and all it starts, leave what it covered in the folder TMOPS_COVERAGE names, when that is set; for
 * programs that were bundled from src with a source map beside them. The tests' own processes are measured by vitest.
 */
export function coverageEnvironment(): Record<string, string> {
  const dir = process.env['TMOPS_COVERAGE'];
  return dir === undefined ? {} : { NODE_V8_COVERAGE: dir };
}
