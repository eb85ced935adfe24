export type Severity = 'error' | 'warning' | 'info';

interface CodeFacts {
  readonly severity: Severity;
  readonly meaning: string;
  readonly fix: string;
}

/** Everything that lint can find, one meaning each. docs/kubectl.md has the same table; a test compares them. */
export const CODES = {
  NotYaml: {
    severity: 'error',
    meaning: 'The file is neither YAML nor JSON.',
    fix: 'Correct the syntax in this line.',
  },
  NotAnObject: {
    severity: 'error',
    meaning: 'A document is no Kubernetes object: apiVersion, kind or metadata.name is missing.',
    fix: 'Write apiVersion, kind and metadata.name.',
  },
  WrongVersion: {
    severity: 'error',
    meaning: 'The apiVersion does not belong to the kind.',
    fix: 'Write apiVersion: fairlead.dev/v1alpha1.',
  },
  UnknownKind: {
    severity: 'error',
    meaning: 'The group fairlead.dev has no such kind.',
    fix: 'Use VaultIntegration, SecretReference, StorageConfig or ResourceBundle.',
  },
  UnknownField: {
    severity: 'error',
    meaning: 'The kind has no such field; the API server would drop it.',
    fix: 'Correct its name, or remove it.',
  },
  RequiredField: { severity: 'error', meaning: 'A field is missing.', fix: 'Add it.' },
  WrongType: {
    severity: 'error',
    meaning: 'A field has another type: a text is not a number, and a list not an object.',
    fix: 'Write it as the documentation of the kind says; quote texts that look like numbers or booleans.',
  },
  WrongValue: {
    severity: 'error',
    meaning: 'The value of a field is not allowed: too long, too many, or none of those to choose from.',
    fix: 'Use a value that the message allows.',
  },
  DuplicateItem: {
    severity: 'error',
    meaning: 'An item stands twice in a list in which it may stand once.',
    fix: 'Remove one of the two.',
  },
  RuleViolated: {
    severity: 'error',
    meaning: 'A rule of the CRD does not hold; the message is that of the API server.',
    fix: 'Do what the message says.',
  },
  WrongNamespace: {
    severity: 'error',
    meaning: 'VaultIntegrations and ResourceBundles belong into the system namespace.',
    fix: 'Set metadata.namespace to fairlead-system, or name yours with --system-namespace.',
  },
  DomainForbidden: {
    severity: 'error',
    meaning:
      "A reference or storage names another domain's store, and the files say which domain its namespace has.",
    fix: "Use the store of the namespace's own domain, or global.",
  },
  DuplicateObject: {
    severity: 'error',
    meaning: 'The same object stands in the files twice: the later one would overwrite the first.',
    fix: 'Remove or rename one of them.',
  },
  NameConflict: {
    severity: 'error',
    meaning:
      'References and storages that one pod names give the same variable or Spark property from different sources.',
    fix: 'Rename one of the two.',
  },
  TooMuch: {
    severity: 'error',
    meaning: 'A reference, or a pod with all of its references, asks for more than is allowed.',
    fix: 'Ask for less, or split it.',
  },
  UnknownAnnotation: {
    severity: 'error',
    meaning: 'Fairlead knows no such annotation; most likely it is misspelt.',
    fix: 'Use fairlead.dev/secret-references, fairlead.dev/storage or fairlead.dev/containers.',
  },
  ReservedMark: {
    severity: 'warning',
    meaning: 'Fairlead writes this label or annotation itself and takes it away at admission.',
    fix: 'Remove it.',
  },
  MisplacedAnnotation: {
    severity: 'warning',
    meaning: 'The annotation stands on the workload, where nobody reads it, and not on its pods.',
    fix: 'Move it to metadata.annotations of the pod template.',
  },
  AnnotationValue: {
    severity: 'error',
    meaning: 'The value of an annotation is one that admission refuses.',
    fix: 'Name objects or containers, comma separated.',
  },
  ReferenceUndefined: {
    severity: 'info',
    meaning:
      'None of the files defines a SecretReference or StorageConfig that a pod names. With --strict a warning.',
    fix: 'Add its file to the check, or make sure that it is in the cluster: the pod waits for it.',
  },
  ContainerMissing: {
    severity: 'warning',
    meaning:
      'fairlead.dev/containers names a container that the pod does not have, unless another webhook adds it.',
    fix: 'Correct the name.',
  },
  NoContainer: {
    severity: 'error',
    meaning: 'None of the containers that fairlead.dev/containers names is there: the pod is refused.',
    fix: 'Name containers or init containers of the pod.',
  },
  NodeName: {
    severity: 'error',
    meaning: 'A pod with spec.nodeName cannot wait for its secrets: it is refused.',
    fix: 'Use a nodeSelector or affinity.',
  },
  EnvOverrides: {
    severity: 'warning',
    meaning:
      'The container sets a variable that a reference or storage gives, too: the value of the container wins.',
    fix: 'Remove it from env, or rename it in the reference.',
  },
  PlaceholderLiteral: {
    severity: 'error',
    meaning:
      'A placeholder in an env value stays as it is: the files say that the namespace has no legacy placeholders.',
    fix: 'Use a SecretReference.',
  },
  PlaceholderUncertain: {
    severity: 'warning',
    meaning:
      'A placeholder in an env value works only in namespaces with legacy placeholders; the files do not say whether this is one.',
    fix: 'Use a SecretReference, or name the namespace with --legacy-namespace.',
  },
  PlaceholderNeverWorks: {
    severity: 'error',
    meaning: 'Placeholders in command and args are never replaced.',
    fix: 'Put the secret into a variable by a SecretReference, and write $(NAME) here.',
  },
  PlaceholderInConfigMap: {
    severity: 'warning',
    meaning: 'Placeholders in a ConfigMap are never replaced.',
    fix: 'Use a SecretReference; what reads the file must take the value from its environment.',
  },
  PlaintextSecret: {
    severity: 'warning',
    meaning: 'By its name this is a secret, and its value stands in the manifest.',
    fix: 'Move the value to a store or to Vault, and name it in a SecretReference.',
  },
  SparkExecutorEnv: {
    severity: 'warning',
    meaning: 'spark.executorEnv.* puts its value into the specs of executor pods, in plain text.',
    fix: 'Annotate the executors: spark.kubernetes.executor.annotation.fairlead.dev/secret-references.',
  },
  SparkJavaOptions: {
    severity: 'warning',
    meaning:
      'extraJavaOptions and defaultJavaOptions end up in plain text in pod specs, the event log and argv.',
    fix: 'Leave secrets out of them; programs take them from the environment.',
  },
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof CODES;

/** One thing that was found. `message` names places and names, and holds no value. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: Severity;
  readonly code: Code;
  readonly message: string;
  readonly fix: string;
}

/** A finding before it is known in which line it stands. */
export interface Found {
  readonly code: Code;
  readonly message: string;
  /** Of a value, or of a key where the value is not there. */
  readonly path: readonly (string | number)[];
  /** The finding is about the key, not about what it holds. */
  readonly atKey?: boolean;
  readonly fix?: string;
}
