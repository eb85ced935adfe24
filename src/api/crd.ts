import { z } from 'zod';
import { GROUP, VERSION } from './names.ts';
import type { KindDefinition } from './schema.ts';

type Json = Record<string, unknown>;

/**
 * The CustomResourceDefinition of a kind, as a plain object ready for YAML. The CRDs hold no defaults: a
 * default that the API server persists is drift for a GitOps tool.
 */
export function customResourceDefinition(kind: KindDefinition<z.ZodType, z.ZodType>): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${kind.plural}.${GROUP}`,
      labels: { 'app.kubernetes.io/name': 'fairlead' },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: kind.shortNames,
        categories: ['fairlead'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: kind.description,
              required: ['spec'],
              ...kind.rules,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: openApi(kind.spec),
                status: openApi(kind.status),
              },
            },
          },
        },
      ],
    },
  };
}

/** A schema as Kubernetes writes it in OpenAPI. */
export function openApi(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      // The API server refuses additionalProperties beside properties.
      delete jsonSchema.additionalProperties;
      // z.int() says the safe integer range; format int64 is what Kubernetes users expect.
      if (jsonSchema.type === 'integer') {
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        (jsonSchema as Json)['format'] = 'int64';
      }
    },
  }) as Json;
  return json;
}
