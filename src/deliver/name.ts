import { DELIVERY_PREFIX } from '../api/names.ts';

/**
 * The delivery's name, from the uid of the admission request that gated the pod: never reused, since a kubelet
 * may serve a recreated immutable Secret of the same name from its cache.
 */
export function deliveryName(requestUid: string): string {
  return DELIVERY_PREFIX + requestUid;
}

export function isDeliveryName(name: string | undefined): name is string {
  return name !== undefined && name.startsWith(DELIVERY_PREFIX);
}
