import { LIMITS } from '../api/names.ts';
import { pageOf } from '../api/reasons.ts';
import { bound } from './problem.ts';

/**
 * A message with the link to what docs/ says about its reason: ` See <docsUrl>/reasons.md#keynotfound`. As it is if
 * there is no docsUrl, or nothing to be mended. The whole keeps the limit of messages; the link is never cut.
 */
export function seeDocs(docsUrl: string | undefined, reason: string, message: string): string {
  const page = pageOf(reason);
  if (docsUrl === undefined || page === undefined) return message;
  const link = ` See ${docsUrl.replace(/\/+$/, '')}/${page}`;
  return `${bound(message, LIMITS.messageBytes - Buffer.byteLength(link))}${link}`;
}
