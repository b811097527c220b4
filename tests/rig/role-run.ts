import { expect } from 'vitest';
import { checkpointText, openProduct, type Product, type ProductOptions } from './product.ts';
import { outputOf, roleLink, type RoleLink } from './role-link.ts';

/** Ended after each test. */
const opened: { dispose(): Promise<void> }[] = [];
export async function endRuns(): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each.dispose();
}

export const WAIT = { waitMs: 20_000 };

export interface Rig {
  readonly product: Product;
  door: RoleLink;
  tree: string;
  /** Calls an operation as whoever plays all roles. */
  readonly call: (op: string, input?: object, signal?: AbortSignal) => ReturnType<RoleLink['ask']>;
}

export async function rig(options: ProductOptions = {}): Promise<Rig> {
  const product = await openProduct({ provider: 'client', ...options });
  opened.push(product);
  await product.json('init', 'auth-api');
  await product.json('start', 'auth-api');
  const made: Rig = {
    product,
    door: await roleLink(product),
    tree: (await product.status('auth-api')).worktree,
    call: (op, input = {}, signal) => made.door.ask(op, { feature: 'auth-api', role: 'auto', ...input }, {}, signal),
  };
  opened.push({
    dispose: async () => {
      made.door.link.close();
      return Promise.resolve();
    },
  });
  expect(outputOf(await made.call('role-switch', WAIT))['message']).toContain('turn of the Orchestrator');
  return made;
}

const RED = "import '../src/new.mjs';\n";
export const toTesting = async ({ call }: Rig): Promise<unknown> =>
  outputOf(await call('role-start', { step: 'discovery', next: 'testing', message: 'Begin', ...WAIT }))['role'];
export const redTest = ({ call }: Rig) => call('role-write-test', { path: 'tests/new.test.mjs', content: RED });
export const testsText = checkpointText('auth-api', 'Tester', '003');
