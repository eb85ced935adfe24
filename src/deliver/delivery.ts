import { DELIVERY_LABEL, DELIVERY_TYPE, GROUP } from '../api/names.ts';

/** The pod that a delivery belongs to. */
export interface DeliveryOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Which sources and versions the values came from: provenance without values. */
export const SOURCES_ANNOTATION = `${GROUP}/sources`;

/**
 * The Secret that hands the values to one pod: immutable, owned by that pod alone, so that Kubernetes' garbage
 * collector removes it with the pod. `blockOwnerDeletion: false`: it never holds up the pod's deletion.
 */
export function deliverySecret(
  owner: DeliveryOwner,
  name: string,
  data: ReadonlyMap<string, Buffer>,
  provenance: readonly string[],
) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: owner.namespace,
      labels: { [DELIVERY_LABEL]: name, 'app.kubernetes.io/managed-by': 'fairlead' },
      annotations: { [SOURCES_ANNOTATION]: provenance.join(',') },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Pod',
          name: owner.name,
          uid: owner.uid,
          controller: false,
          blockOwnerDeletion: false,
        },
      ],
    },
    type: DELIVERY_TYPE,
    immutable: true,
    // fromEntries defines own properties, so a variable called __proto__ is just a variable.
    data: Object.fromEntries([...data].map(([variable, bytes]) => [variable, bytes.toString('base64')])),
  };
}
