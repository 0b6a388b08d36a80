{{- define "flyte.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
helm.sh/chart: flyte-core-{{ .root.Chart.Version }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "flyte.serviceAccount" }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "flyte.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- tpl (toYaml .) $.root | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "flyte.deployment" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "flyte.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas | default 1 }}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
  template:
    metadata:
      annotations:
        configChecksum: {{ .config | default "" | toString | sha256sum | trunc 63 | quote }}
        {{- with .podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      labels: {{- include "flyte.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ .account | default .name }}
      {{- with .initContainers }}
      initContainers:
        {{- range . }}
        - name: {{ . }}
          image: {{ $.image }}
          {{- if eq . "seed-projects" }}
          command: {{- concat (list "flyteadmin" "--config" "/etc/flyte/config/*.yaml" "migrate" "seed-projects") $.root.Values.flyteadmin.initialProjects | toYaml | nindent 12 }}
          {{- end }}
          volumeMounts: {{- toYaml $.mounts | nindent 12 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ .image }}
          {{- with .env }}
          env: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .mounts }}
          volumeMounts: {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{- define "flyte.auth" }}
{{- with .Values.secrets.adminOauthClientCredentials }}
{{- if .enabled }}
mounts: [{name: auth, mountPath: /etc/secrets/}]
volumes: [{name: auth, secret: {secretName: {{ .secretName }}}}]
{{- else }}
mounts: []
volumes: []
{{- end }}
{{- end }}
{{- end }}
