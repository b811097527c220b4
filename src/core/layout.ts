import * as z from 'zod';

/**
 * How a feature's panes are arranged: data in `layouts/*.yaml`. A window's `arrange` is one of tmux's own named
 * layouts (tmux manual, "WINDOWS AND PANES"). `roles: rest` stands for every role of the workflow that no other window
 * names, so that a layout also serves a workflow with a role added. `each: true` gives every one of its roles a window.
 */
export const layoutSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,30}$/),
  description: z.string().optional(),
  windows: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[a-z0-9-]{1,30}$/)
          .optional(),
        arrange: z
          .enum(['tiled', 'main-vertical', 'main-horizontal', 'even-vertical', 'even-horizontal'])
          .default('tiled'),
        roles: z.union([z.literal('rest'), z.array(z.string()).min(1)]),
        each: z.boolean().default(false),
        /** A pane that shows the feature's status, beside the roles. */
        status: z.boolean().default(false),
      }),
    )
    .min(1),
});

export type Layout = z.infer<typeof layoutSchema>;

export interface PlannedWindow {
  readonly name: string;
  readonly arrange: Layout['windows'][number]['arrange'];
  readonly roles: readonly string[];
  readonly status: boolean;
}

/** Resolves a layout against the roles of a workflow. A role that no window takes, or that is named twice, is a refusal. */
export function planWindows(
  layout: Layout,
  roles: readonly string[],
):
  | { readonly ok: true; readonly windows: readonly PlannedWindow[] }
  | { readonly ok: false; readonly missing: readonly string[]; readonly doubled: readonly string[] } {
  const named = layout.windows.flatMap((window) => (window.roles === 'rest' ? [] : window.roles));
  const doubled = named.filter((role, index) => named.indexOf(role) !== index);
  const rest = roles.filter((role) => !named.includes(role));
  const takesRest = layout.windows.some((window) => window.roles === 'rest');
  if (doubled.length > 0 || (rest.length > 0 && !takesRest)) {
    return { ok: false, missing: takesRest ? [] : rest, doubled };
  }
  let restLeft = rest;
  const windows = layout.windows.flatMap((window): PlannedWindow[] => {
    const own = window.roles === 'rest' ? restLeft : window.roles.filter((role) => roles.includes(role));
    if (window.roles === 'rest') restLeft = [];
    if (own.length === 0) return [];
    if (window.each) {
      return own.map((role) => ({ name: role, arrange: window.arrange, roles: [role], status: false }));
    }
    return [{ name: window.name ?? layout.name, arrange: window.arrange, roles: own, status: window.status }];
  });
  return { ok: true, windows };
}
