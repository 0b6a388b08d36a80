{{- /* Each definition takes a dict; "root" is the release. */}}

{{- /* What a Service and a Deployment select pods by; the webhook's have a label of their own. */}}
{{- define "lab.selector" -}}
{{- if eq .name "flyte-pod-webhook" -}}
app: {{ .name }}
{{- else -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}
{{- end }}

{{- define "lab.labels" -}}
{{ include "lab.selector" . }}
helm.sh/chart: flyte-core-{{ .root.Chart.Version }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "lab.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "lab.labels" (dict "root" .root "name" (.app | default .name)) | nindent 2 }}
{{- with .annotations }}
annotations: {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A file of a ConfigMap: a section of the values as text. "plain" leaves templates in it alone. */}}
{{- define "lab.file" -}}
{{- if .section }}
{{ .key }}.yaml: |
  {{- if .plain }}
  {{- toYaml .section | nindent 2 }}
  {{- else }}
  {{- tpl (toYaml .section) .root | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "lab.files" -}}
{{- range .files }}
{{- include "lab.file" (merge (dict "root" $.root) .) }}
{{- end }}
{{- end }}

{{- define "lab.configmap" }}
---
apiVersion: v1
kind: ConfigMap
metadata: {{- include "lab.metadata" . | nindent 2 }}
data: {{- .data | trim | nindent 2 }}
{{- end }}

{{- define "lab.account" }}
{{- if .account.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "lab.metadata" (dict "root" .root "name" .name "annotations" .account.annotations) | nindent 2 }}
{{- end }}
{{- end }}

{{- define "lab.role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .role }}
  labels: {{- include "lab.labels" (dict "root" .root "name" .name) | nindent 4 }}
rules: {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .binding | default .role }}
  labels: {{- include "lab.labels" (dict "root" .root "name" .name) | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ .role }}}
subjects:
  - {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}

{{- define "lab.service" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "lab.metadata" . | nindent 2 }}
spec:
  {{- with .type }}
  type: {{ . }}
  {{- end }}
  ports: {{- toYaml .ports | nindent 4 }}
  selector: {{- include "lab.selector" . | nindent 4 }}
{{- end }}

{{- /* "app" is the name in the selector; "values" has replicaCount, podAnnotations, affinity and the like; "config" is what a change restarts the pods of. */}}
{{- define "lab.deployment" }}
{{- $app := .app | default .name }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "lab.metadata" (dict "root" .root "name" .name "app" $app) | nindent 2 }}
spec:
  {{- with .replicas }}
  replicas: {{ . }}
  {{- end }}
  selector:
    matchLabels: {{- include "lab.selector" (dict "root" .root "name" $app) | nindent 6 }}
  template:
    metadata:
      annotations:
        configChecksum: {{ .config | sha256sum | trunc 63 | quote }}
        {{- with .values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with .prometheus }}
        prometheus.io/path: /metrics
        prometheus.io/port: {{ . | quote }}
        {{- end }}
      labels:
        {{- include "lab.labels" (dict "root" .root "name" $app) | nindent 8 }}
        {{- with .values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- with .account }}
      serviceAccountName: {{ . }}
      {{- end }}
      {{- with .values.securityContext }}
      securityContext: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .init }}
      initContainers: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers: {{- toYaml .containers | nindent 8 }}
      volumes: {{- tpl (toYaml .volumes) .root | nindent 8 }}
{{- end }}

{{- define "lab.image" -}}
{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{- /* The environment of flytepropeller and its webhook. */}}
{{- define "lab.podenv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}

{{- /* What the object store is, in the words of stow or of minio's client. */}}
{{- define "lab.storage" -}}
{{- $storage := .Values.storage }}
storage:
  {{- if eq $storage.type "s3" }}
  type: s3
  container: {{ $storage.bucketName | quote }}
  connection:
    auth-type: {{ $storage.s3.authType }}
    region: {{ $storage.s3.region | quote }}
    {{- with $storage.s3.endpoint }}
    endpoint: {{ . | quote }}
    {{- end }}
    {{- if eq $storage.s3.authType "accesskey" }}
    access-key: {{ $storage.s3.accessKey | quote }}
    secret-key: {{ $storage.s3.secretKey | quote }}
    {{- end }}
  {{- else if eq $storage.type "gcs" }}
  type: stow
  container: {{ $storage.bucketName | quote }}
  stow:
    kind: google
    config: {json: "", project_id: {{ $storage.gcs.projectId | quote }}, scopes: "https://www.googleapis.com/auth/cloud-platform"}
  {{- else if eq $storage.type "sandbox" }}
  type: minio
  container: {{ $storage.bucketName | quote }}
  stow:
    kind: s3
    config:
      access_key_id: minio
      auth_type: accesskey
      secret_key: miniostorage
      disable_ssl: true
      endpoint: http://minio.{{ .Release.Namespace }}.svc.cluster.local:9000
      region: us-east-1
  {{- else }}
  {{- toYaml $storage.custom | nindent 2 }}
  {{- end }}
  enable-multicontainer: {{ $storage.enableMultiContainer }}
  limits: {maxDownloadMBs: {{ $storage.limits.maxDownloadMBs }}}
  cache: {max_size_mbs: {{ $storage.cache.maxSizeMBs }}, target_gc_percent: {{ $storage.cache.targetGCPercent }}}
{{- end }}

{{- /* The files of each component's ConfigMap. */}}
{{- define "lab.data.admin" -}}
{{- $map := .Values.configmap }}
{{- $manager := .Values.cluster_resource_manager }}
{{- include "lab.files" (dict "root" . "files" (list
  (dict "key" "db" "section" .Values.db.admin)
  (dict "key" "domain" "section" $map.domain)
  (dict "key" "logger" "section" $map.logger)
  (dict "key" "otel" "section" $map.otel)
  (dict "key" "server" "section" $map.adminServer)
  (dict "key" "remoteData" "section" $map.remoteData)
  (dict "key" "namespace_config" "section" $map.namespace_config "plain" true)
  (dict "key" "storage" "section" (include "lab.storage" . | fromYaml))
  (dict "key" "task_resource_defaults" "section" $map.task_resource_defaults)
  (dict "key" "cluster_resources" "section" (ternary $manager.config dict $manager.enabled)))) }}
{{- end }}

{{- define "lab.data.clusters" -}}
{{- include "lab.file" (dict "root" . "key" "clusters" "section" (dict "clusters" .Values.configmap.clusters)) }}
{{- end }}

{{- define "lab.data.sync" -}}
{{- $map := .Values.configmap }}
{{- $alone := .Values.cluster_resource_manager.config.cluster_resources.standaloneDeployment }}
{{- include "lab.files" (dict "root" . "files" (list
  (dict "key" "cluster_resources" "section" .Values.cluster_resource_manager.config)
  (dict "key" "admin" "section" (ternary $map.admin dict $alone))
  (dict "key" "db" "section" (ternary dict .Values.db.admin $alone))
  (dict "key" "domain" "section" $map.domain)
  (dict "key" "namespace_config" "section" $map.namespace_config "plain" true))) }}
{{- include "lab.data.clusters" . }}
{{- end }}

{{- define "lab.data.datacatalog" -}}
{{- include "lab.files" (dict "root" . "files" (list
  (dict "key" "db" "section" .Values.db.datacatalog)
  (dict "key" "otel" "section" .Values.configmap.otel)
  (dict "key" "server" "section" .Values.configmap.datacatalogServer)
  (dict "key" "storage" "section" (include "lab.storage" . | fromYaml)))) }}
{{- end }}

{{- define "lab.data.scheduler" -}}
{{- include "lab.files" (dict "root" . "files" (list
  (dict "key" "admin" "section" .Values.configmap.admin)
  (dict "key" "db" "section" .Values.db.admin)
  (dict "key" "server" "section" .Values.configmap.schedulerConfig "plain" true))) }}
{{- end }}

{{- define "lab.data.propeller" -}}
{{- $map := .Values.configmap }}
{{- include "lab.files" (dict "root" . "files" (list
  (dict "key" "admin" "section" $map.admin)
  (dict "key" "catalog" "section" $map.catalog)
  (dict "key" "copilot" "section" $map.copilot)
  (dict "key" "core" "section" $map.core)
  (dict "key" "enabled_plugins" "section" $map.enabled_plugins)
  (dict "key" "k8s" "section" $map.k8s)
  (dict "key" "logger" "section" $map.logger)
  (dict "key" "otel" "section" $map.otel)
  (dict "key" "resource_manager" "section" $map.resource_manager)
  (dict "key" "storage" "section" (include "lab.storage" . | fromYaml))
  (dict "key" "task_logs" "section" $map.task_logs))) }}
{{- end }}
