import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Looks the named MCP servers up where Claude Code keeps them: the project's `.mcp.json`, then the user's configuration
 * (for this project, then for all). They are handed to the panes by name only, so that nothing else of the user's loads.
 */
export function findMcpServers(
  names: readonly string[],
  places: { readonly root: string; readonly configFile: string },
): { readonly found: Readonly<Record<string, unknown>>; readonly missing: readonly string[] } {
  if (names.length === 0) return { found: {}, missing: [] };
  const user = readObject(places.configFile);
  const sources = [
    objectAt(readObject(join(places.root, '.mcp.json')), 'mcpServers'),
    objectAt(objectAt(objectAt(user, 'projects'), places.root), 'mcpServers'),
    objectAt(user, 'mcpServers'),
  ];
  const entries = names.flatMap((name): [string, unknown][] => {
    const source = sources.find((each) => each[name] !== undefined);
    return source ? [[name, source[name]]] : [];
  });
  const found = Object.fromEntries(entries);
  return { found, missing: names.filter((name) => found[name] === undefined) };
}

/** An empty object for a file that is not there or holds no JSON: the server then counts as missing, which is reported. */
function readObject(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isObject(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return {};
    throw error;
  }
}

function objectAt(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const inner = value[key];
  return isObject(inner) ? inner : {};
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
