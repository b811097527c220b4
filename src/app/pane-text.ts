/** Escape sequences a capture may hold: CSI, OSC (ended by BEL or ST) and two-character ones. */
const ESCAPES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
/** Control, bidirectional and invisible characters, except line feed. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu;

/** A capture as plain lines: no escapes, nothing invisible, no blank lines at the end. Still untrusted. */
export function plainText(capture: string): string {
  const lines = capture.replace(ESCAPES, '').split('\n');
  return lines
    .map((line) => line.replace(INVISIBLE, '').trimEnd())
    .join('\n')
    .trimEnd();
}
