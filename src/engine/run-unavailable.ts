/**
 * A run that cannot be used, because of a file of its own. `locked`: somebody else writes its journal. `corrupt`: its journal
 * is not what was written. `unequipped`: what it was started with is not there or not what was written. The app words it.
 */
export class RunUnavailable extends Error {
  readonly kind: 'locked' | 'corrupt' | 'unequipped';
  readonly file: string;
  readonly detail: string;
  constructor(kind: RunUnavailable['kind'], file: string, detail: string) {
    super(`The run is ${kind}: ${file}: ${detail}`);
    this.kind = kind;
    this.file = file;
    this.detail = detail;
  }
}
