import { StatusError } from '../../aggregation/errors.ts';
import type { ApiResource, ObjectAnswer, ResourceRequest } from '../../aggregation/resource.ts';
import { CONNECTION_TEST, connectionTestSpec, connectionTestStatus } from '../../api/connection-test.ts';
import { openApiSchema } from '../../api/crd.ts';
import { refusal } from '../../resolve/permission.ts';
import { parseTest, type Parsed } from './parse.ts';
import { originOf, refusalOf, testRecord } from './records.ts';
import { rightsOf } from './rights.ts';
import { TestLimits } from './limits.ts';
import { dryRunStatus, runTest, type RunDependencies } from './run.ts';
import { targetFor } from './subject.ts';

export type ConnectionTestDependencies = RunDependencies;

/** ConnectionTest: created, carried out and answered at once; nothing is stored. One test may take 40 seconds. */
export function connectionTestsResource(deps: ConnectionTestDependencies): ApiResource {
  const limits = new TestLimits(deps.clock);
  const { kind, plural, singular, description } = CONNECTION_TEST;
  return {
    ...{ kind, plural, singular, shortNames: [], advertised: ['create'], columns: [], selectable: [] },
    schema: {
      description,
      properties: { spec: openApiSchema(connectionTestSpec), status: openApiSchema(connectionTestStatus) },
    },
    create: async (request) => create(request, limits, deps),
  };
}

async function create(
  request: ResourceRequest,
  limits: TestLimits,
  deps: ConnectionTestDependencies,
): Promise<ObjectAnswer> {
  const { caller, namespace = '', body, dryRun, signal } = request;
  const { world, systemNamespace, audit } = deps;
  let test: Parsed | undefined;
  try {
    limits.admit(caller.user);
    test = parseTest(body);
    const found = (name: string) => world.integrations.get(`${systemNamespace}/${name}`)?.spec;
    const visible = {
      exists: (name: string) => found(name) !== undefined,
      shared: (name: string) => {
        const { domain } = world.namespaces.get(namespace) ?? {};
        return refusal(domain, { type: 'VAULT', id: name }, found) === undefined;
      },
    };
    const { full } = await rightsOf(caller, test, visible, deps, signal);
    const target = targetFor(test, deps);
    const id = test.kind === 'inline' ? undefined : test.name;
    const subject = { test, target, reader: { full, id, systemNamespace }, caller, namespace };
    const status = dryRun ? dryRunStatus() : await runTest(subject, limits, deps, signal);
    return { object: { metadata: metadataOf(body, namespace), spec: shownSpec(test), status } };
  } catch (error) {
    const refusal = error instanceof StatusError ? refusalOf(error) : undefined;
    if (refusal) {
      await audit.note(testRecord({ caller, namespace, test, path: originOf(test) }, refusal), signal);
    }
    throw error;
  }
}

function metadataOf(
  body: unknown,
  namespace: string,
): { readonly name?: string; readonly namespace: string } {
  const name = (body as { metadata?: { name?: unknown } } | undefined)?.metadata?.name;
  return { ...(typeof name === 'string' && name !== '' && { name }), namespace };
}

/** What was tested, without credentials. */
function shownSpec(test: Parsed): object {
  if (test.kind === 'reference') {
    const { name, path, namespace } = test;
    return {
      integrationRef: { name },
      ...(path !== undefined && { path }),
      ...(namespace !== undefined && { namespace }),
    };
  }
  const { host, path, namespace } = test.integration;
  return { integration: { host, path, ...(namespace !== undefined && { namespace }) } };
}
