/** What steering asked to go wrong. Everything is off in a fresh set. */
export interface Faults {
  /** How many of the next Enters are not noticed. */
  swallowEnters: number;
  refusePaste: boolean;
  /** What is typed is lost. */
  deaf: boolean;
  /** Between a change and its picture, ms. */
  echoDelayMs: number;
  /** How long the next turn thinks before it does its part, ms. */
  nextWorkMs: number;
  hooks: HookFault[];
}

export interface HookFault {
  readonly event: string;
  readonly how:
    { readonly kind: 'delay'; readonly ms: number } | { readonly kind: 'drop' } | { readonly kind: 'double' };
  /** How many more times it strikes. */
  times: number;
}

export function noFaults(): Faults {
  return { swallowEnters: 0, refusePaste: false, deaf: false, echoDelayMs: 0, nextWorkMs: 0, hooks: [] };
}

/** The fault that strikes this event, counted down; null when the event is reported as it should be. */
export function strike(faults: Faults, event: string): HookFault['how'] | null {
  const fault = faults.hooks.find((each) => each.event === event && each.times > 0);
  if (fault === undefined) return null;
  fault.times -= 1;
  return fault.how;
}
