import { LIMITS } from '../api/names.ts';
import { propertyKind } from '../api/spark-property.ts';
import { partName, type Part } from './import-names.ts';
import { placeKey, provenanceOf, type Place } from './place.ts';
import type { Finding } from './problem.ts';
import { fitProperty, NOT_A_PROPERTY } from './property-value.ts';
import type { FieldValue } from './state.ts';
import { fit, type Fitted } from './value.ts';

/** Where the value of a variable comes from. */
export interface Origin extends Part {
  readonly place: Place;
  /** That was read; of some sources only. */
  readonly version: number | undefined;
  /** Who asks for it, for messages: `env`, or an import. */
  readonly by: string;
}

/** The variables of a workload as they come together. Each name has one origin: no order decides between two. */
export class Assembly {
  readonly #origins = new Map<string, Origin>();
  readonly #data = new Map<string, Buffer>();
  readonly #properties = new Map<string, Buffer>();
  readonly #provenance = new Set<string>();
  #bytes = 0;
  #imported = 0;

  get data(): ReadonlyMap<string, Buffer> {
    return this.#data;
  }

  /** The values of Spark properties. */
  get properties(): ReadonlyMap<string, Buffer> {
    return this.#properties;
  }

  /** The places that were used, with versions: `VAULT/vault-prod/db@7`. */
  get provenance(): readonly string[] {
    return [...this.#provenance];
  }

  /** The name is taken, whether a value for it is there or not. */
  reserve(variable: string, origin: Origin): void {
    this.#origins.set(variable, origin);
  }

  /** Puts the value into a variable that is reserved for it, or says why it cannot be one. */
  put(variable: string, value: FieldValue, origin: Origin): Finding | undefined {
    return this.#keep(this.#data, variable, value, origin, fit(variable, value));
  }

  /** The same for a Spark property. */
  putProperty(property: string, value: FieldValue, origin: Origin): Finding | undefined {
    const kind = propertyKind(property);
    // The kind refuses such names, but what is in etcd may be older.
    if (!kind) return NOT_A_PROPERTY;
    const fitted = fitProperty(property, kind, [{ value, isSecret: true }]);
    return this.#keep(this.#properties, property, value, origin, fitted);
  }

  #keep(
    into: Map<string, Buffer>,
    name: string,
    value: FieldValue,
    { place, version }: Origin,
    fitted: Fitted,
  ): Finding | undefined {
    this.#bytes += name.length + (fitted.ok ? fitted.bytes : value).length;
    if (!fitted.ok) return fitted.problem;
    into.set(name, fitted.bytes);
    this.#provenance.add(provenanceOf(place, version));
    return undefined;
  }

  /** The same for a variable of an import, which others may have defined: alike, or then it is a conflict. */
  import(variable: string, value: FieldValue, origin: Origin): Finding | undefined {
    const known = this.#origins.get(variable);
    if (known && same(known, origin)) return undefined;
    if (known) {
      return {
        reason: 'NameConflict',
        message: `${partName(origin)} makes the variable ${variable}, as does ${known.by} from ${placeKey(known.place)} ${partName(known)}: exclude the key, or set a prefix`,
      };
    }
    this.#imported += 1;
    this.reserve(variable, origin);
    const unfit = this.put(variable, value, origin);
    return unfit && { reason: unfit.reason, message: `${partName(origin)} as ${variable}: ${unfit.message}` };
  }

  /** Over what a delivery can hold. */
  get excess(): Finding | undefined {
    if (this.#bytes > LIMITS.deliveryBytes) {
      return { reason: 'TooLarge', message: `all values together are over ${LIMITS.deliveryBytes} bytes` };
    }
    if (this.#imported > LIMITS.importedVariablesPerPod) {
      return {
        reason: 'QuotaExceeded',
        message: `all imports (envFrom) together make more than ${LIMITS.importedVariablesPerPod} variables; select fewer keys`,
      };
    }
    return undefined;
  }
}

function same(a: Origin, b: Origin): boolean {
  return identity(a) === identity(b);
}

function identity({ place, key, path }: Origin): string {
  return JSON.stringify([placeKey(place), key, ...path]);
}
