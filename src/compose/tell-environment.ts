/** Operations that begin something with the variables of whoever asks, or look where these lead. */
export const TELL_ENVIRONMENT: ReadonlySet<string> = new Set(['start', 'init', 'adopt', 'cleanup', 'gc']);
