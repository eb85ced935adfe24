{{/* The names are fixed: Fairlead's policies fence its ServiceAccounts in by name, and there is one Fairlead in a cluster. */}}

{{- define "fairlead.labels" -}}
app.kubernetes.io/name: fairlead
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "fairlead.selector" -}}
app.kubernetes.io/name: fairlead
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "fairlead.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{/* A list as it stands in a policy; the same that Fairlead makes of --token-audiences. */}}
{{- define "fairlead.celAudiences" -}}
[{{ range $i, $audience := .Values.vault.tokenAudiences }}{{ if $i }}, {{ end }}'{{ $audience }}'{{ end }}]
{{- end }}

{{/* Flags that say where Fairlead is and how it speaks; every role takes all of them. */}}
{{- define "fairlead.args" -}}
- --system-namespace={{ .Release.Namespace }}
- --store-prefix={{ .Values.stores.namePrefix }}
- --log-level={{ .Values.logLevel }}
{{- end }}

{{- define "fairlead.vaultArgs" -}}
{{- with .Values.vault.hosts }}
- --vault-hosts={{ join "," . }}
{{- end }}
{{- if .Values.vault.allowHttp }}
- --allow-http-vault=true
{{- end }}
- --token-audiences={{ join "," .Values.vault.tokenAudiences }}
{{- end }}

{{- define "fairlead.traceArgs" -}}
- --traces-endpoint={{ .Values.traces.endpoint }}
- --traces-ratio={{ .Values.traces.ratio }}
{{- end }}

{{/* Each pod has a file of its own: two that rotate the same one would lose lines. */}}
{{- define "fairlead.auditLog" -}}
{{- with .Values.audit -}}
{{- if .volume -}}
{{- if not (isAbs .log) }}{{ fail (printf "audit.log: %s: with audit.volume it must be the absolute path of a file, like /var/log/fairlead/audit.log" .log) }}{{ end -}}
{{ dir .log }}/$(POD_NAME).{{ base .log }}
{{- else -}}
{{- if ne .log "-" }}{{ fail (printf "audit.log: %s: a file needs audit.volume, since nothing else can be written" .log) }}{{ end -}}
-
{{- end -}}
{{- end -}}
{{- end }}

{{- define "fairlead.auditArgs" -}}
- --audit-log={{ include "fairlead.auditLog" . }}
- --audit-max-mb={{ .Values.audit.maxMb }}
- --audit-max-files={{ .Values.audit.maxFiles }}
{{- if .Values.audit.bestEffort }}
- --audit-best-effort=true
{{- end }}
{{- end }}

{{- define "fairlead.electionArgs" -}}
- --leader-elect={{ .Values.leaderElection.enabled }}
- --lease-seconds={{ .Values.leaderElection.leaseSeconds }}
{{- end }}

{{/* How long what is served is still answered after SIGTERM. */}}
{{- define "fairlead.drainArgs" -}}
- --drain-seconds={{ .Values.drainSeconds }}
{{- end }}

{{/* The pod of a role. Takes root, component, args (text), ports (text), resources, and certificate (the name of a Secret, or empty). */}}
{{- define "fairlead.pod" -}}
metadata:
  labels:
    {{- include "fairlead.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with .root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .root.Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: fairlead-{{ .component }}
  automountServiceAccountToken: {{ ne .component "admission" }}
  # The operator needs none of the variables that Kubernetes makes of Services.
  enableServiceLinks: false
  # The sleep before SIGTERM, then at most 25 seconds for all work, with those of drainSeconds.
  terminationGracePeriodSeconds: 40
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: fairlead
      image: {{ include "fairlead.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - --role={{ .component }}
        {{- include "fairlead.args" .root | nindent 8 }}
        {{- .args | nindent 8 }}
      {{- if or .auditVolume .root.Values.extraEnv }}
      env:
        {{- if .auditVolume }}
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- end }}
        {{- with .root.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        - name: health
          containerPort: 8081
        {{- with .ports }}
        {{- . | nindent 8 }}
        {{- end }}
      # A certificate may take a minute to come into the mount: that is readiness, and restarts would not help.
      livenessProbe:
        httpGet:
          path: /livez
          port: health
        initialDelaySeconds: 10
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet:
          path: /readyz
          port: health
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      # On a node that is short of CPU a start takes a minute, and liveness would end it before.
      startupProbe:
        httpGet:
          path: /healthz
          port: health
        periodSeconds: 1
        timeoutSeconds: 5
        failureThreshold: 300
      {{- if .certificate }}
      # Whoever calls may have this address for a moment longer: kube-proxy of a big cluster takes more than drainSeconds.
      lifecycle:
        preStop:
          sleep:
            seconds: 10
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- with .resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if or .certificate .auditVolume }}
      volumeMounts:
        {{- if .certificate }}
        - name: certificate
          mountPath: /var/run/fairlead/{{ .mount }}
          readOnly: true
        {{- end }}
        {{- if .auditVolume }}
        - name: audit
          mountPath: {{ dir .root.Values.audit.log }}
        {{- end }}
      {{- end }}
  {{- if or .certificate .auditVolume }}
  volumes:
    {{- if .certificate }}
    - name: certificate
      secret:
        secretName: {{ .certificate }}
        # Not its CA's key.
        items:
          - key: tls.crt
            path: tls.crt
          - key: tls.key
            path: tls.key
        # It is made by the certificates role: the server waits for it, and the kubelet brings it.
        optional: true
    {{- end }}
    {{- if .auditVolume }}
    - name: audit
      {{- toYaml .root.Values.audit.volume | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if .root.Values.topologySpreadConstraints }}
    {{- toYaml .root.Values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "fairlead.selector" . | nindent 10 }}
    {{- end }}
{{- end }}

{{/* A Deployment of a role. Takes what fairlead.pod takes, and replicas. */}}
{{- define "fairlead.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: fairlead-{{ .component }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "fairlead.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ .replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "fairlead.selector" . | nindent 6 }}
  {{- if and .elects (not .root.Values.leaderElection.enabled) }}
  # Two that take no notice of each other must not run at the same time.
  strategy:
    type: Recreate
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  {{- end }}
  template:
    {{- include "fairlead.pod" . | nindent 4 }}
{{- end }}
