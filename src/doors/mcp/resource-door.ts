import type {
  CompleteRequestParams,
  CompleteResult,
  EmptyResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from '@modelcontextprotocol/sdk/types.js';
import type * as z from 'zod';
import { checkArguments } from '../../app/arguments.ts';
import { resourceRequests, type Names } from '../../app/resource-requests.ts';
import { CATALOG } from './resource-catalog.ts';
import { completeResource } from './resource-completion.ts';
import { badParameter, dataOf, noResource, quotedText, refusedResource } from './resource-error.ts';
import { listedResources, listedTemplates, readCursor } from './resource-list.ts';
import { readUri, RESOURCE_KINDS, templateOf, type Target } from './resource-uri.ts';
import type { ResourcePorts } from './resources.ts';
import { openSubscriptions } from './subscriptions.ts';

/** Answers the requests for resources of one connection. Each rejects with what the protocol is to say. */
export interface ResourceDoor {
  readonly list: (cursor: string | undefined, signal: AbortSignal) => Promise<ListResourcesResult>;
  readonly templates: (cursor: string | undefined) => ListResourceTemplatesResult;
  readonly read: (uri: string, signal: AbortSignal) => Promise<ReadResourceResult>;
  readonly subscribe: (uri: string, signal: AbortSignal) => Promise<EmptyResult>;
  readonly unsubscribe: (uri: string) => EmptyResult;
  readonly complete: (params: CompleteRequestParams, signal: AbortSignal) => Promise<CompleteResult>;
  /** A supervisor answers now: whoever was shown a list without one may be shown more. */
  readonly reached: () => void;
}

export interface ResourceDoorPorts extends ResourcePorts {
  readonly onUpdate: (uri: string) => void;
  readonly onList: () => void;
}

/** What is asked for in vain is no error: features are named by a supervisor, and listing starts none. */
type NamesOf = (input: Record<string, unknown>, signal: AbortSignal) => Promise<NamesPage | null>;
interface NamesPage {
  readonly features: readonly Names[];
  readonly next: string | null;
}

export function resourceDoor(ports: ResourceDoorPorts): ResourceDoor {
  const { link, listen } = ports;
  const subscriptions = openSubscriptions(ports);
  const namesOf: NamesOf = async (input, signal) => {
    const reply = await listen(resourceRequests.names.name, input, { door: 'mcp' }, signal);
    return reply.ok ? resourceRequests.names.output.parse(JSON.parse(reply.json)) : null;
  };
  return {
    async list(cursor, signal) {
      const after = readCursor(cursor);
      subscriptions.followList();
      const page = await namesOf(after === undefined ? {} : { after }, signal);
      if (page === null) subscriptions.shownNone();
      return listedResources(page ?? { features: [], next: null }, after === undefined);
    },
    templates(cursor) {
      if (cursor !== undefined) throw badParameter('The templates come in one page, which has no cursor.');
      return listedTemplates();
    },
    async read(uri, signal) {
      const { target, input } = wanted(uri);
      const { request, contents } = CATALOG[target.kind];
      const reply = await link(request.name, input, { door: 'mcp' }, signal);
      if (!reply.ok) throw refusedResource(uri, reply.failure);
      return { contents: contents(reply.json, target).map((content) => ({ uri, ...content })) };
    },
    async subscribe(uri, signal) {
      const { target } = wanted(uri);
      const { feature } = target.names;
      if (feature !== undefined) {
        const reply = await link(resourceRequests.names.name, { feature }, { door: 'mcp' }, signal);
        if (!reply.ok) throw refusedResource(uri, reply.failure);
        mustBeNamed(uri, target, resourceRequests.names.output.parse(JSON.parse(reply.json)).features[0]);
      }
      await subscriptions.add(uri, target);
      return {};
    },
    unsubscribe(uri) {
      subscriptions.remove(uri);
      return {};
    },
    complete: (params, signal) =>
      completeResource(params, async (input) => (await namesOf(input, signal))?.features ?? []),
    reached() {
      subscriptions.reached();
    },
  };
}

/** The resource that a URI names and what its request takes, or an error that says what is wrong with the URI. */
function wanted(uri: string): { readonly target: Target; readonly input: Record<string, unknown> } {
  const templates = RESOURCE_KINDS.map(templateOf);
  const read = readUri(uri);
  if (!read.ok) {
    if (read.fault === 'unknown') throw noResource(uri, read.why, templates);
    throw badParameter(`${quotedText(uri)} cannot be read: ${read.why}`, dataOf(uri));
  }
  const { target } = read;
  const { request, input } = CATALOG[target.kind];
  const raw = input(target);
  const checked = checkArguments(request, raw, {
    operation: PARAMETERS,
    argument: (key) => (key === 'file' ? 'name' : key),
  });
  if (checked.ok) return { target, input: checked.input };
  const { sentence, hint } = checked.failure;
  const why = sentence.slice(`${PARAMETERS} cannot run: `.length, -1);
  const shape: Readonly<Record<string, z.ZodType>> = request.input.shape;
  const isNameBad = ['feature', 'role', 'file'].some(
    (key) => key in raw && shape[key]?.safeParse(raw[key]).success === false,
  );
  throw isNameBad
    ? noResource(uri, why, templates)
    : badParameter(`${templateOf(target.kind)}: ${why}. ${hint}`, dataOf(uri));
}

/** What is checked, as an operation; the sentences are ours. */
const PARAMETERS = 'It';

/** What may come to be is named already: a checkpoint that nobody has written yet can be waited for. */
function mustBeNamed(uri: string, { kind, names }: Target, known: Names | undefined): void {
  const { name, role } = names;
  const allowed =
    kind === 'checkpoint' ? known?.checkpoints.map(({ file }) => file) : role === undefined ? [] : known?.roles;
  const wantedName = name ?? role;
  if (wantedName === undefined || allowed === undefined || allowed.includes(wantedName)) return;
  const what = kind === 'checkpoint' ? 'checkpoint' : 'role';
  throw refusedResource(uri, {
    code: `unknown-${what}`,
    sentence: `${names.feature ?? ''} has no ${what} "${wantedName}".`,
    hint: allowed.length === 0 ? 'It was not started yet.' : `It has: ${allowed.join(', ')}.`,
  });
}
