import { KubeError } from '../kube/errors.ts';

/**
 * The object that we mean is not there any more: 404, or a refusal of our `metadata.uid` because another object has
 * its name by now. Policies of other projects answer 422, too, and say nothing about the uid.
 */
export function isGone(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  if (error.code === 'NotFound') return true;
  const about = error.serverMessage ?? '';
  return ['Conflict', 'Invalid'].includes(error.code) && /metadata\.uid|UID in precondition/i.test(about);
}
