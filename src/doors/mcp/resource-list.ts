import type { ListResourcesResult, ListResourceTemplatesResult, Resource } from '@modelcontextprotocol/sdk/types.js';
import type { Names } from '../../app/resource-requests.ts';
import { CATALOG } from './resource-catalog.ts';
import { badParameter } from './resource-error.ts';
import { RESOURCE_KINDS, templateOf, uriOf, type ResourceKind, type Target } from './resource-uri.ts';

/** A page of the list: some features with all that each has. The first page begins with the resource of all features. */
export function listedResources(
  { features, next }: { readonly features: readonly Names[]; readonly next: string | null },
  isFirst: boolean,
): ListResourcesResult {
  return {
    resources: [...(isFirst ? [resource('features', {}, null)] : []), ...features.flatMap(resourcesOf)],
    ...(next !== null && { nextCursor: cursorOf(next) }),
  };
}

export const listedTemplates = (): ListResourceTemplatesResult => ({
  resourceTemplates: RESOURCE_KINDS.filter((kind) => kind !== 'features').map((kind) => ({
    uriTemplate: templateOf(kind),
    name: kind,
    title: CATALOG[kind].title,
    description: CATALOG[kind].description,
    mimeType: CATALOG[kind].mimeType,
  })),
});

const PLACE = /^after:([a-z0-9-]{3,20})$/;

const cursorOf = (feature: string): string => Buffer.from(`after:${feature}`).toString('base64url');

/** The feature that a cursor of ours stands behind; undefined for the first page. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const feature = PLACE.exec(Buffer.from(cursor.slice(0, 100), 'base64url').toString('latin1'))?.[1];
  if (feature === undefined || cursorOf(feature) !== cursor)
    throw badParameter('The cursor is none that this server gave. Begin without one.', {
      cursor: cursor.slice(0, 100),
    });
  return feature;
}

function resourcesOf({ feature, updatedAt, roles, checkpoints, hasMetrics }: Names): Resource[] {
  return [
    resource('status', { feature }, updatedAt),
    resource('spec', { feature }, null),
    resource('journal', { feature }, updatedAt),
    ...(hasMetrics ? [resource('metrics', { feature }, null)] : []),
    ...checkpoints
      .filter(({ isThere }) => isThere)
      .map(({ file, modifiedAt }) => resource('checkpoint', { feature, name: file }, modifiedAt)),
    ...roles.map((role) => resource('pane', { feature, role }, null)),
    ...roles.map((role) => resource('log', { feature, role }, null)),
  ];
}

/** `modifiedAt` null: when it was changed last is not known. */
function resource(kind: ResourceKind, names: Target['names'], modifiedAt: string | null): Resource {
  const { title, description, mimeType } = CATALOG[kind];
  const uri = uriOf({ kind, names, query: {} });
  const { feature, name, role } = names;
  const of = [feature, name ?? role].filter((word) => word !== undefined).join(' ');
  return {
    uri,
    name: uri.slice('tmops://features/'.length) || 'features',
    title: of === '' ? title : `${title}: ${of}`,
    description,
    mimeType,
    ...(modifiedAt !== null && { annotations: { lastModified: modifiedAt } }),
  };
}
