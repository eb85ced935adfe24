import type { OpenRequest } from '../serve/open.ts';
import { StatusError, type StatusReason } from './errors.ts';

const REASONS: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  408: 'Timeout',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  503: 'ServiceUnavailable',
};

/** The parsed body. Rejects with StatusError; if the client is gone, with one that nobody reads. */
export async function readBody(request: Pick<OpenRequest, 'readJson'>): Promise<unknown> {
  const body = await request.readJson();
  if (body.kind === 'json') return body.value;
  if (body.kind === 'gone') throw new StatusError('Timeout', 'the client is gone');
  throw new StatusError(REASONS[body.status] ?? 'BadRequest', body.message);
}
