{{- $manager := .Values.cluster_resource_manager }}
{{- if $manager.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: clusterresource-template
  namespace: {{ .Release.Namespace }}
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteadmin") | nindent 4 }}
data:
  {{- range $manager.templates }}
  {{ .key }}.yaml: | {{- .value | nindent 4 }}
  {{- end }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: flyte-clusterresourcesync-config
  namespace: {{ .Release.Namespace }}
  labels: {{- include "flyte.labels" (dict "root" $ "name" "flyteclusterresourcesync") | nindent 4 }}
data:
  cluster_resources.yaml: |
    cluster_resources: {{- tpl (toYaml $manager.config.cluster_resources) $ | nindent 6 }}
  {{- if .Values.configmap.clusters.labelClusterMap }}
  clusters.yaml: |
    clusters: {{- toYaml .Values.configmap.clusters | nindent 6 }}
  {{- end }}
{{- $mounts := list (dict "name" "config-volume" "mountPath" "/etc/flyte/config") (dict "name" "resource-templates" "mountPath" "/etc/flyte/clusterresource/templates") }}
{{- $volumes := list (dict "name" "config-volume" "configMap" (dict "name" "flyte-clusterresourcesync-config")) (dict "name" "resource-templates" "configMap" (dict "name" "clusterresource-template")) }}
{{- if .Values.configmap.clusters.labelClusterMap }}
{{- $mounts = append $mounts (dict "name" "cluster-secrets" "mountPath" "/var/run/credentials") }}
{{- $volumes = append $volumes (dict "name" "cluster-secrets" "secret" (dict "secretName" "cluster-credentials")) }}
{{- end }}
{{- include "flyte.deployment" (dict "root" $ "name" "syncresources" "account" "flyteadmin"
  "config" (dict "a" .Values.configmap.clusters "b" $manager.config) "podAnnotations" $manager.podAnnotations
  "image" (printf "%s:%s" .Values.flyteadmin.image.repository .Values.flyteadmin.image.tag) "mounts" $mounts "volumes" $volumes) }}
{{- end }}
