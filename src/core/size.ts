const UNITS: Readonly<Record<string, number>> = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/** `512MB`, `1.5GB` … in bytes (1 KB is 1024 bytes); NaN where it is none. */
export function bytesIn(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s?(KB|MB|GB)$/i.exec(text.trim()) ?? [];
  return amount === undefined ? NaN : Math.round(Number(amount) * (UNITS[(unit ?? '').toUpperCase()] ?? NaN));
}

/** The same the other way round, for people: `512 MB`, `1.5 GB`. */
export function sizeWord(bytes: number): string {
  const inGb = bytes / 2 ** 30;
  return inGb >= 1 ? `${Number(inGb.toFixed(1))} GB` : `${Math.round(bytes / 2 ** 20)} MB`;
}
