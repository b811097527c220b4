export function dim(text: string): string {
  return `\x1b[2m${text}\x1b[22m`;
}

export function bold(text: string): string {
  return `\x1b[1m${text}\x1b[22m`;
}
