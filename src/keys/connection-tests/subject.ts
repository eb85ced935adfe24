import { targetOf, type TargetDependencies } from '../../controllers/targets.ts';
import type { World } from '../../controllers/world.ts';
import { normalizeOrigin } from '../../sources/vault/address.ts';
import type { SourceFailure } from '../../sources/source.ts';
import type { Step } from '../../sources/vault/probe/steps.ts';
import { refusedHost, type TargetOptions, type VaultTarget } from '../../sources/vault/target.ts';
import { inlineTarget } from './inline.ts';
import { invalid, type Parsed } from './parse.ts';

export interface SubjectDependencies extends TargetDependencies {
  readonly world: TargetDependencies['world'] & Pick<World, 'integrations' | 'namespaces'>;
}

/** A failure, and the step that it belongs to. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly failure: SourceFailure;
  readonly step: Step['name'];
}

/** What a test is to connect to, or why it cannot. Throws StatusError Invalid for an inline integration. */
export function targetFor(test: Parsed, deps: SubjectDependencies): VaultTarget | Unusable {
  if (test.kind === 'inline') {
    const made = inlineTarget(test.integration, deps.allowed);
    if ('kind' in made) return made;
    throw invalid(made);
  }
  const { world, systemNamespace, allowed } = deps;
  const { name, path, namespace } = test;
  const integration = world.integrations.get(`${systemNamespace}/${name}`);
  const spec = integration && {
    ...integration.spec,
    ...(path !== undefined && { path }),
    ...(namespace !== undefined && { namespace }),
  };
  const view = { integration: () => integration && spec && { ...integration, spec } };
  const target = targetOf(name, view, deps);
  if (target.kind === 'target') return target;
  const hosts = spec ? [spec.host, ...(spec.redirectHosts ?? [])] : [];
  return { kind: 'unusable', failure: target, step: stepOf(target, hosts, allowed) };
}

function stepOf({ reason, message }: SourceFailure, hosts: readonly string[], allowed: TargetOptions) {
  if (reason === 'TLSVerificationFailed') return 'TLS';
  if (reason === 'NotKVv2' || reason === 'PathNotFound') return 'mount';
  const isHost = hosts.some((host) => refusedHost(normalizeOrigin(host) ?? '', allowed));
  return isHost || message.startsWith('spec.redirectHosts') ? 'resolve name' : 'login';
}
