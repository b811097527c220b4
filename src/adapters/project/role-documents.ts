import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFolder } from '../../files/in-place.ts';
import { mustBeTrusted } from '../../files/trust.ts';
import { writeWhole } from '../../files/write-whole.ts';

/** What each role is told, as files of the run: `roles/<role>.md`. */
export interface RoleDocuments {
  readonly rolesDir: string;
  readonly feature: string;
  readonly run: string;
  /** Looked through in order; the first that has the role's document is used. */
  readonly folders: readonly string[];
  /** That of the documents that ship with tmops. */
  readonly shippedDir: string;
  readonly roles: readonly RoleDocument[];
  /** Shown to every role, e.g. `npm test`; null when none is known. */
  readonly testCommand: readonly string[] | null;
  /** The tools of its role server are the only way for an agent to write. */
  readonly toolsOnly: boolean;
}

export interface RoleDocument {
  readonly role: string;
  readonly title: string;
  readonly file: string;
  /** What the role will be asked in this run, in order, and the file that ends it, relative to the run's folder. */
  readonly steps: readonly { readonly prompt: string; readonly file: string }[];
  /** The tools of its role server, by name. */
  readonly tools: readonly string[];
}

export type PlacedDocuments =
  | { readonly ok: true; readonly from: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly role: string; readonly file: string; readonly folders: readonly string[] };

/**
 * Copies each role's instruction document into the run, under a head that names the feature and its paths: the documents
 * of the framework are written for any feature and leave that to the human who pastes them. Rejects with a Distrusted when
 * somebody else may have written one.
 */
export async function placeRoleDocuments(order: RoleDocuments): Promise<PlacedDocuments> {
  await makePrivateFolder(order.rolesDir);
  const from: Record<string, string> = {};
  for (const document of order.roles) {
    const { role, file } = document;
    const found = await firstOf(order.folders.map((folder) => join(folder, file)));
    if (!found) return { ok: false, role, file, folders: order.folders };
    // What ships is as the one who installed it left it.
    if (!found.path.startsWith(`${order.shippedDir}/`)) mustBeTrusted(found.path, `instructions of the role ${role},`);
    const path = join(order.rolesDir, `${role}.md`);
    await writeWhole(path, `${headOf(order, document)}\n${found.text.trimEnd()}\n`);
    from[role] = found.path;
  }
  return { ok: true, from };
}

async function firstOf(paths: readonly string[]): Promise<{ path: string; text: string } | null> {
  for (const path of paths) {
    try {
      return { path, text: await readFile(path, 'utf8') };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }
  return null;
}

function headOf(
  { feature, run, testCommand, toolsOnly }: RoleDocuments,
  { title, steps, tools }: RoleDocument,
): string {
  const base = `.tmops/${feature}/current`;
  return [
    `# ${title} of the feature ${feature} (run ${run})`,
    '',
    `- Specification: \`${base}/TASK_SPEC.md\``,
    `- Checkpoints: \`${base}/checkpoints/\``,
    ...(testCommand ? [`- Tests are run with: \`${testCommand.join(' ')}\``] : []),
    ...steps.map(({ prompt, file }) => `- \`${prompt}\` ends with \`${base}/${file}\``),
    ...toolLines(tools, toolsOnly),
    '- Prompts end in a mark such as `[tmops#7]`. It numbers the prompt; pay it no other attention.',
    '',
  ].join('\n');
}

/** A document that was written for any agent names shell commands and files; where those are out of reach it says so. */
function toolLines(tools: readonly string[], toolsOnly: boolean): readonly string[] {
  const named = `- The MCP server \`tmops\`, where you have it, has tools of your role: ${tools.map((name) => `\`${name}\``).join(', ')}.`;
  if (!toolsOnly) return [named];
  return [
    named,
    '- You have no Write, Edit or Bash: use those tools where this document names a file to write or a command to run.',
  ];
}
