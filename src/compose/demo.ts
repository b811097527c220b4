export function runDemo(_args: readonly string[]): Promise<number> {
  return Promise.resolve(1);
}
