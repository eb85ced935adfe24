const text = (description: string) => ({ type: 'string', description }) as const;
const time = (description: string) => ({ type: 'string', format: 'date-time', description }) as const;
const map = (description: string) =>
  ({ type: 'object', additionalProperties: { type: 'string' }, description }) as const;
const open = (description: string) =>
  ({
    type: 'array',
    items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    description,
  }) as const;

/** The fields of metav1.ObjectMeta, in short words. */
export const OBJECT_META = {
  type: 'object',
  description: 'What every object of Kubernetes has.',
  properties: {
    name: text('Unique among the objects of one kind in a namespace.'),
    generateName: text('Kept for compatibility with other kinds.'),
    namespace: text('The namespace that the object belongs to.'),
    labels: map('Words to select objects by.'),
    annotations: map('Notes that nothing is selected by.'),
    uid: text('Set by the server, if at all.'),
    resourceVersion: text('Set by the server, if at all.'),
    selfLink: text('Not used any more.'),
    generation: { type: 'integer', format: 'int64', description: 'Set by the server, if at all.' },
    creationTimestamp: time('Set by the server, if at all.'),
    deletionTimestamp: time('Set by the server, if at all.'),
    deletionGracePeriodSeconds: {
      type: 'integer',
      format: 'int64',
      description: 'Set by the server, if at all.',
    },
    ownerReferences: open('The objects that this one belongs to.'),
    finalizers: {
      type: 'array',
      items: { type: 'string' },
      description: 'What has to be done before the object goes.',
    },
    managedFields: open('Which client has set which field.'),
  },
} as const;

/** metav1.ListMeta. */
export const LIST_META = {
  type: 'object',
  description: 'What every list has.',
  properties: {
    continue: text('Where the next page begins; to be sent as the parameter continue.'),
    remainingItemCount: { type: 'integer', format: 'int64', description: 'How many items come after.' },
    resourceVersion: text('Always empty here.'),
    selfLink: text('Not used any more.'),
  },
} as const;

/** metav1.Status. */
export const STATUS = {
  type: 'object',
  description: 'The answer where there is no object to give.',
  properties: {
    apiVersion: text('v1'),
    kind: text('Status'),
    metadata: { type: 'object', description: 'Empty.' },
    status: text('Success or Failure.'),
    message: text('What happened, for people.'),
    reason: text('What happened, for programs.'),
    details: {
      type: 'object',
      description: 'What it is about.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    code: { type: 'integer', format: 'int32', description: 'The HTTP status.' },
  },
} as const;

/** metav1.DeleteOptions, as far as they mean anything here. */
export const DELETE_OPTIONS = {
  type: 'object',
  description: 'How something is deleted.',
  properties: {
    apiVersion: text('v1'),
    kind: text('DeleteOptions'),
    dryRun: { type: 'array', items: { type: 'string', enum: ['All'] }, description: 'All: nothing is done.' },
    gracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Means nothing here.' },
    propagationPolicy: text('Means nothing here.'),
    preconditions: {
      type: 'object',
      description: 'Which object is meant.',
      properties: { uid: text('Its uid.'), resourceVersion: text('Its version.') },
    },
  },
} as const;
