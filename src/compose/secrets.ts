import { hiding, secretsOf } from '../core/secrets.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What one supervisor knows to be secret: its own environment's secrets, and those of everybody who had agents started. */
export interface Secrets {
  /** Takes them out of a text. */
  readonly hide: (text: string) => string;
  /** From now on the secrets of this environment go as well. */
  readonly learn: (env: Environment) => void;
}

export function openSecrets(env: Environment): Secrets {
  const known = new Set<string>(secretsOf(env));
  let hide = hiding([...known]);
  return {
    hide: (text) => hide(text),
    learn(more) {
      const fresh = secretsOf(more).filter((secret) => !known.has(secret));
      if (fresh.length === 0) return;
      for (const secret of fresh) known.add(secret);
      hide = hiding([...known]);
    },
  };
}
