import type { CompleteRequestParams, CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import { resourceRequests, type Names } from '../../app/resource-requests.ts';
import { badParameter, quotedText } from './resource-error.ts';
import { RESOURCE_KINDS, templateOf, type ResourceKind } from './resource-uri.ts';

/** The most that the protocol lets an answer hold. */
const MOST = 100;

/** The features whose names begin so, or the one of that name; none while no supervisor runs. */
export type NamesBy = (input: {
  readonly prefix?: string;
  readonly feature?: string;
  readonly limit?: number;
}) => Promise<readonly Names[]>;

/** What may stand in a place of a template of ours: names of what there is, and words of a closed set. */
export async function completeResource(
  { ref, argument, context }: CompleteRequestParams,
  names: NamesBy,
): Promise<CompleteResult> {
  if (ref.type !== 'ref/resource') throw badParameter('Only the places of resource templates are completed here.');
  const kind = RESOURCE_KINDS.find((each) => templateOf(each) === ref.uri);
  if (!kind)
    throw badParameter(
      `There is no template ${quotedText(ref.uri)}. There are: ${RESOURCE_KINDS.map(templateOf).join(', ')}`,
    );
  const values = await valuesOf(kind, argument, context?.arguments?.['feature'], names);
  if (values === null) throw badParameter(`${templateOf(kind)} has no place ${quotedText(argument.name)}.`);
  const fitting = [...new Set(values)].filter((value) => value.startsWith(argument.value));
  return {
    completion: { values: fitting.slice(0, MOST), total: fitting.length, hasMore: fitting.length > MOST },
  };
}

/** Null where the template has no such place. */
async function valuesOf(
  kind: ResourceKind,
  { name: place, value }: CompleteRequestParams['argument'],
  feature: string | undefined,
  names: NamesBy,
): Promise<readonly string[] | null> {
  if (!new RegExp(`[{?,]${place.replaceAll(/\W/g, '')}[,}]`).test(templateOf(kind)) || !/^\w+$/.test(place))
    return null;
  const known = (): Promise<readonly Names[]> => names(feature === undefined ? { limit: MOST } : { feature });
  if (place === 'feature')
    return value.length > 20 ? [] : (await names({ prefix: value, limit: MOST })).map((each) => each.feature);
  if (place === 'role') return (await known()).flatMap(({ roles }) => roles);
  if (place === 'name') return (await known()).flatMap(({ checkpoints }) => checkpoints.map(({ file }) => file));
  if (place === 'level') return resourceRequests.log.input.shape.level.unwrap().options;
  if (place === 'component') return resourceRequests.log.input.shape.component.unwrap().options;
  return [];
}
