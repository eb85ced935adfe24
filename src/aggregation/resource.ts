/** Who calls, as the API server that passed the request on has established it. */
export interface Caller {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type Verb = 'get' | 'list' | 'create' | 'update' | 'delete';

/** A request that is authenticated, authorized for its verb on its resource, and whose body has been read. */
export interface ResourceRequest {
  readonly verb: Verb;
  readonly caller: Caller;
  /** Absent only for a list of all namespaces. */
  readonly namespace?: string | undefined;
  /** Of get, update and delete; decoded. */
  readonly name?: string | undefined;
  /** Of create and update: an object of the resource's kind without unknown fields; of delete the DeleteOptions. */
  readonly body?: unknown;
  /** `dryRun=All`, in the query or in DeleteOptions: everything is checked, nothing is done. */
  readonly dryRun: boolean;
  /** Of list: at most so many items; absent: all. */
  readonly limit?: number | undefined;
  /** Of list: what the page before has given back. */
  readonly continueToken?: string | undefined;
  /** Of list: `field=value` and `field!=value`, all of which must hold; only fields that the resource names. */
  readonly fieldSelector: readonly FieldRequirement[];
  readonly signal: AbortSignal;
}

export interface FieldRequirement {
  readonly field: string;
  readonly equals: boolean;
  readonly value: string;
}

export interface ObjectMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly [field: string]: unknown;
}

export interface ApiObject {
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** The answer to one object's request. The core adds apiVersion and kind. Warnings are shown to people by kubectl. */
export interface ObjectAnswer {
  readonly object: ApiObject;
  readonly warnings?: readonly string[];
}

export interface ListAnswer {
  readonly items: readonly ApiObject[];
  /** Where the next page begins; absent: this was the last one. */
  readonly continueToken?: string | undefined;
  readonly remainingItemCount?: number | undefined;
  readonly warnings?: readonly string[];
}

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly description: string;
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: 0 | 1;
  readonly cell: (object: ApiObject) => string | number | boolean;
}

/** One kind that is served. A verb whose handler is missing is answered with 405. Handlers reject with StatusError. */
export interface ApiResource {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  /** What discovery says; a verb can be served and not be advertised. */
  readonly advertised: readonly Verb[];
  readonly columns: readonly Column[];
  /** Fields that a field selector may name, beside metadata.name and metadata.namespace. */
  readonly selectable: readonly string[];
  /** OpenAPI v3 schema of the whole object, without apiVersion, kind and metadata, with descriptions. */
  readonly schema: { readonly description: string; readonly properties: Readonly<Record<string, object>> };
  readonly list?: (request: ResourceRequest) => Promise<ListAnswer>;
  readonly get?: (request: ResourceRequest) => Promise<ObjectAnswer>;
  readonly create?: (request: ResourceRequest) => Promise<ObjectAnswer>;
  readonly update?: (request: ResourceRequest) => Promise<ObjectAnswer>;
  readonly delete?: (request: ResourceRequest) => Promise<ObjectAnswer>;
}
