import { roleOperations } from './role-table.ts';
import { operations } from './table.ts';

/** All that passes the chain: what users ask for at any door, and what the tools of role servers ask for. */
export const calls = { ...operations, ...roleOperations } as const;
export type CallKey = keyof typeof calls;
