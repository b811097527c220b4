import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { CompleteRequestParams, CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import type { TextPort } from '../../link/port.ts';
import type { OnFault } from './call.ts';
import { tellingProgress } from './progress.ts';
import type { ResourceDoor } from './resource-door.ts';
import { ResourceError } from './resource-error.ts';

export interface ResourcePorts {
  readonly link: TextPort;
  /** The same of a supervisor that runs already, for what must not start one. */
  readonly listen: TextPort;
  readonly onFault: OnFault;
  /** Aborted when the connection has ended. */
  readonly signal: AbortSignal;
}

export interface ServedResources {
  /** To be called when the supervisor has answered something else. */
  readonly reached: () => void;
  /** Completes a place of a template. */
  readonly complete: (params: CompleteRequestParams, signal: AbortSignal) => Promise<CompleteResult>;
}

/**
 * Lets a server that is not connected yet serve resources, with completion of the names in their templates, subscriptions and
 * notices of changes. What they are made of is loaded with the first request for one. `reached` is to be called when the
 * supervisor has answered something else.
 */
// McpServer would let the text of an exception through (see serve.ts).
// eslint-disable-next-line @typescript-eslint/no-deprecated
export function addResources(server: Server, ports: ResourcePorts): ServedResources {
  server.registerCapabilities({ resources: { subscribe: true, listChanged: true } });
  const sent = (sending: Promise<void>): void => void sending.catch(ports.onFault);
  let loading: Promise<ResourceDoor> | undefined;
  const door = (): Promise<ResourceDoor> =>
    (loading ??= import('./resource-door.ts').then(({ resourceDoor }) =>
      resourceDoor({
        ...ports,
        onUpdate: (uri) => {
          sent(server.sendResourceUpdated({ uri }));
        },
        onList: () => {
          sent(server.sendResourceListChanged());
        },
      }),
    ));
  const answered = async <T>(act: (opened: ResourceDoor) => Promise<T> | T): Promise<T> => {
    try {
      return await act(await door());
    } catch (error) {
      throw told(error, ports.onFault);
    }
  };
  server.setRequestHandler(ListResourcesRequestSchema, ({ params = {} }, way) =>
    tellingProgress(params, way, ports.onFault, () => answered(({ list }) => list(params.cursor, way.signal))),
  );
  server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) =>
    answered(({ templates }) => templates(params?.cursor)),
  );
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }, way) =>
    tellingProgress(params, way, ports.onFault, () => answered(({ read }) => read(params.uri, way.signal))),
  );
  server.setRequestHandler(SubscribeRequestSchema, ({ params }, { signal }) =>
    answered(({ subscribe }) => subscribe(params.uri, signal)),
  );
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) =>
    answered(({ unsubscribe }) => unsubscribe(params.uri)),
  );
  return {
    complete: (params, signal) => answered(({ complete }) => complete(params, signal)),
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

/** What the client may be told: the text of an error that nobody expected stays here. */
function told(error: unknown, onFault: OnFault): ResourceError {
  if (error instanceof ResourceError) return error;
  onFault(error);
  return new ResourceError(ErrorCode.InternalError, "Internal error. tmops' log has the details.", {});
}
