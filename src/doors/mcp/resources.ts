import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CompleteRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { TextPort } from '../../link/port.ts';
import type { OnFault } from './call.ts';
import type { ResourceDoor } from './resource-door.ts';

export interface ResourcePorts {
  readonly link: TextPort;
  /** The same over the link that is open, for what must not start a supervisor. */
  readonly listen: TextPort;
  readonly onFault: OnFault;
  /** Aborted when the connection has ended. */
  readonly signal: AbortSignal;
}

/**
 * Lets a server that is not connected yet serve resources, with completion of the names in their templates, subscriptions and
 * notices of changes. What they are made of is loaded with the first request for one. `reached` is to be called when the
 * supervisor has answered something else.
 */
// McpServer would let the text of an exception through (see serve.ts).
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addResources(server: Server, ports: ResourcePorts): { readonly reached: () => void } {
  server.registerCapabilities({ resources: { subscribe: true, listChanged: true }, completions: {} });
  const told = (sending: Promise<void>): void => void sending.catch(ports.onFault);
  let loading: Promise<ResourceDoor> | undefined;
  const door = (): Promise<ResourceDoor> =>
    (loading ??= import('./resource-door.ts').then(({ resourceDoor }) =>
      resourceDoor({
        ...ports,
        onUpdate: (uri) => {
          told(server.sendResourceUpdated({ uri }));
        },
        onList: () => {
          told(server.sendResourceListChanged());
        },
      }),
    ));
  server.setRequestHandler(ListResourcesRequestSchema, async ({ params }, { signal }) =>
    (await door()).list(params?.cursor, signal),
  );
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async ({ params }) =>
    (await door()).templates(params?.cursor),
  );
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }, { signal }) =>
    (await door()).read(params.uri, signal),
  );
  server.setRequestHandler(SubscribeRequestSchema, async ({ params }, { signal }) =>
    (await door()).subscribe(params.uri, signal),
  );
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => (await door()).unsubscribe(params.uri));
  server.setRequestHandler(CompleteRequestSchema, async ({ params }, { signal }) =>
    (await door()).complete(params, signal),
  );
  return {
    reached: () => {
      // Nobody who has not asked for resources yet has been shown a list.
      loading
        ?.then((opened) => {
          opened.reached();
        })
        .catch(ports.onFault);
    },
  };
}
